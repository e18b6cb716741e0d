"""Utterances to windows of features."""
