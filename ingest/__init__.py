"""Audio in: sockets and uploads to the stream `audio`."""
