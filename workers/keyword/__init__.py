"""Commands and keywords, heard and read."""
