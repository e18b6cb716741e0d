"""What lies in streams today, byte for byte: whoever reads it tomorrow must read this too."""
