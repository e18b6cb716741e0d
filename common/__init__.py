"""What every Hubbub process shares. Nothing in here knows what speech is."""
