"""The commands of `hubbub` that need no knowledge of speech."""
