"""The metrics that every stage has."""

from prometheus_client import Counter, Gauge, Histogram

LATENCY_BUCKETS_S = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 2, 4, 8, 30)

ENTRIES = Counter("hubbub_stage_entries", "Entries processed.", ["stage"])
EFFECTS = Counter("hubbub_stage_effects", "Messages and results committed.", ["stage"])
REPLAYED = Counter(
    "hubbub_stage_effects_replayed", "Effects dropped because a former owner had committed them.", ["stage"]
)
DEAD = Counter("hubbub_stage_dead_letters", "Entries given up after they made the stage fail.", ["stage"])
FENCED = Counter("hubbub_stage_fenced", "Shards lost to another owner.", ["stage"])
BEGUN_AGAIN = Counter(
    "hubbub_stage_begun_again",
    "Shards replayed because their server was lost, or another one took its place.",
    ["stage"],
)
SHARDS = Gauge("hubbub_stage_shards", "Shards this process owns.", ["stage"])
STALLED = Gauge("hubbub_stage_stalled", "1 while reading waits for the stream behind to be read.", ["stage"])
PUT_ASIDE = Gauge(
    "hubbub_stage_put_aside_entries", "Entries of on-request streams that nobody asked for yet.", ["stage"]
)
UNREPLICATED = Counter(
    "hubbub_unreplicated_writes", "Times that fewer replicas than wanted had what was written in time."
)
PROCESS_SECONDS = Histogram(
    "hubbub_stage_process_seconds", "Time of one call of the stage.", ["stage"], buckets=LATENCY_BUCKETS_S
)
COMMIT_SECONDS = Histogram(
    "hubbub_stage_commit_seconds", "Time of one round of commits.", ["stage"], buckets=LATENCY_BUCKETS_S
)
LATENCY_SECONDS = Histogram(
    "hubbub_result_latency_seconds",
    "From the capture of the last sample a result rests on to its commit.",
    ["type", "kind"],
    buckets=LATENCY_BUCKETS_S,
)
SERVICE_LEVEL = Gauge(
    "hubbub_service_level",
    "The worst service level in force for a meeting of this process; 0 is full service.",
)
HEADROOM = Gauge(
    "hubbub_headroom_meetings",
    "Further meetings like the present ones that could have full service; negative where these are too many.",
)
