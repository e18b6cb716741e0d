"""Moments worth coming back to, found while the meeting runs."""
