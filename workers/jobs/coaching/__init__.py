"""Feedback on how a text is read aloud."""
