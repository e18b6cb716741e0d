"""Plays recordings as live meetings over real sockets: load generator, and stand-in for MeetStream."""
