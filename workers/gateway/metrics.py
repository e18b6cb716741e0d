"""What the gateway counts."""

from prometheus_client import Counter, Gauge

RESULTS = Counter("hubbub_gateway_results", "Results read from all shards.")
READERS = Gauge("hubbub_gateway_readers", "Live readers connected now, by SSE or WebSocket.")
DELIVERED = Counter("hubbub_gateway_delivered", "Results sent to live readers.", ["transport"])
OVERFLOWS = Counter("hubbub_gateway_overflows", "Live readers sent away because they read too slowly.")
