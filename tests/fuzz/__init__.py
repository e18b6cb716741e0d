"""Untrusted bytes, millions of them, at everything that decodes."""
