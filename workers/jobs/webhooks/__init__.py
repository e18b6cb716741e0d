"""Results posted to other services' addresses: at least once, signed, in bounded time."""
