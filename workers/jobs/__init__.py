"""Work that may take seconds."""
