"""Tone of voice, polarity of text, mood."""
