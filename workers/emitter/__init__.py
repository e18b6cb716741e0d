"""Windows of all meetings to transcripts, in batches."""
