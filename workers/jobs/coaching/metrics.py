"""What coaching counts."""

from prometheus_client import Counter

NOT_JUDGED = Counter(
    "hubbub_coaching_not_judged_total", "Utterances of readers that got no feedback, by reason.", ["reason"]
)
