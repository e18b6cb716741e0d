"""What the scripts promise, as plain values, and a shard of a real server beside it."""
