"""The report of a meeting: what was said, by whom, in which mood, and what is worth coming back to."""
