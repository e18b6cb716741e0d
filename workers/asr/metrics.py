"""What the asr pool counts beyond the loop's own figures."""

from prometheus_client import Counter

UTTERANCES_ABANDONED = Counter(
    "hubbub_asr_utterances_abandoned",
    "Utterances finished by time, because the end of their speech never came.",
)
