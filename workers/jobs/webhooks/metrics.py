"""Figures about webhooks."""

from prometheus_client import Counter, Histogram

RECORDED = Counter("hubbub_webhook_deliveries", "Deliveries that were put down to be made.")
DROPPED = Counter("hubbub_webhook_dropped", "Deliveries dropped because too many of a subscription waited.")
ATTEMPTS = Counter("hubbub_webhook_attempts", "Requests to receivers, by what came of them.", ["outcome"])
DEAD = Counter("hubbub_webhook_dead_letters", "Deliveries given up.")
DISABLED = Counter("hubbub_webhook_disabled", "Subscriptions disabled because their receiver was gone.")
ATTEMPT_SECONDS = Histogram(
    "hubbub_webhook_attempt_seconds",
    "Time of one request to a receiver.",
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
LATENCY_SECONDS = Histogram(
    "hubbub_webhook_latency_seconds",
    "From a result's place on its stream to its first delivery.",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 3, 10, 60, 600),
)
