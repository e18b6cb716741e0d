"""What the emitter reports beyond the loop's own figures."""

from prometheus_client import Counter, Gauge, Histogram

WINDOWS_WAITING = Gauge("hubbub_emitter_windows_waiting", "Windows that are due and wait for a forward pass.")
BACKLOG_SECONDS = Gauge(
    "hubbub_emitter_backlog_seconds",
    "Predicted time to transcribe what waits.",
    unit="seconds",
)
BATCH_WINDOWS = Histogram(
    "hubbub_emitter_batch_windows", "Windows in a forward pass.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)
BATCH_SECONDS = Histogram(
    "hubbub_emitter_batch_seconds",
    "Time of a forward pass.",
    unit="seconds",
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10),
)
PARTIALS_SUPERSEDED = Counter(
    "hubbub_emitter_partials_superseded",
    "Partials never computed, since newer audio of the utterance had come.",
)
UTTERANCES_ABANDONED = Counter(
    "hubbub_emitter_utterances_abandoned",
    "Utterances finished by time, because their final window never came.",
)
UTTERANCES_DEFERRED = Counter(
    "hubbub_emitter_utterances_deferred", "Utterances put aside under load, to be transcribed later."
)
UTTERANCES_BACKFILLED = Counter(
    "hubbub_emitter_utterances_backfilled", "Deferred utterances that were transcribed after all."
)
UTTERANCES_LOST = Counter(
    "hubbub_emitter_utterances_lost",
    "Deferred utterances given up, because they were too old or too many were kept.",
)
LEADS_DISTRUSTED = Counter(
    "hubbub_emitter_leads_distrusted",
    "Finals transcribed once more without left context, since their own words could not be told from it.",
)
