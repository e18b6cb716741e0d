"""What the keyword pool counts beyond what every stage does."""

from prometheus_client import Counter, Gauge, Histogram

UTTERANCES = Gauge("hubbub_keyword_utterances", "Utterances the spotter listens to now.")
WAITING = Gauge("hubbub_keyword_inquiries_waiting", "Stretches of audio that wait for verification.")
HEARD = Counter("hubbub_keyword_heard_seconds", "Speech listened to.")
LIMIT = Gauge("hubbub_keyword_utterances_limit", "Utterances the spotter can listen to at once.")
REDUCED = Gauge("hubbub_keyword_reduced_meetings", "Meetings at level 4, by this pool.")
INQUIRIES = Counter(
    "hubbub_keyword_inquiries", "Verified stretches of audio, by look and verdict.", ["look", "verdict"]
)
UNVERIFIED = Counter(
    "hubbub_keyword_unverified",
    "Stretches dropped since verification did not keep up; the unlikeliest first.",
)
UNHEARD = Counter(
    "hubbub_keyword_unheard_utterances",
    "Utterances not listened to, or not to their end, by reason: busy, or begun unseen.",
    ["reason"],
)
VERIFY_SECONDS = Histogram(
    "hubbub_keyword_verify_seconds",
    "Time of one verification, of up to a batch of stretches, by look: two that score, two that read.",
    ["look"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6),
)
