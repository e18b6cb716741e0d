"""What ingest counts."""

from prometheus_client import Counter, Gauge, Histogram

CONNECTIONS = Gauge("hubbub_ingest_connections", "Open connections.", ["format"])
MESSAGES = Counter("hubbub_ingest_messages", "Messages taken.", ["format"])
BYTES = Counter("hubbub_ingest_bytes", "Bytes of messages taken.", ["format"])
REFUSALS = Counter("hubbub_ingest_refusals", "Connections closed for what they sent.", ["format", "reason"])
SKIPPED = Counter("hubbub_ingest_skipped", "Messages of unknown types passed over.", ["format"])
CHUNKS = Counter("hubbub_ingest_chunks", "Chunks appended.")
APPEND_SECONDS = Histogram(
    "hubbub_ingest_append_seconds",
    "Time of one append of chunks.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2, 10),
)
REFUSED_APPENDS = Counter("hubbub_ingest_refused_appends", "Appends of a source that Redis did not take.")
GAP_SAMPLES = Counter("hubbub_ingest_gap_samples", "Samples reported missing.")
MEETINGS = Gauge("hubbub_ingest_meetings", "Meetings with audio in this process.")
SPOKEN = Counter("hubbub_ingest_spoken_seconds", "Speech sent to bots to say in their meetings.")
UNSPOKEN = Counter("hubbub_ingest_unspoken_pieces", "Speech dropped because a bot had too much to say.")
HELD_BACK_SECONDS = Counter(
    "hubbub_ingest_held_back_seconds",
    "Time for which connections that send too fast were not read.",
    ["format"],
)
