"""Lines for a pipe or a dumb terminal, where nothing can be redrawn."""

from common.results import Highlight, Keyword, Result, Sentiment, Status, Transcript
from ingest.demo.summary import clock_time

PARTIAL_EVERY_MS = 1_500
STRONG_POLARITY = 0.5


class PlainLines:
    """Turns results into lines: finals, keywords, strong feelings, and as much of partials as can be read."""

    def __init__(self) -> None:
        self._shown_until: dict[str, int] = {}

    def line(self, result: Result) -> str | None:
        """The line for a result, if it deserves one."""
        what = self._transcript(result) if isinstance(result, Transcript) else _event(result)
        return f"{clock_time(result.start_ms)} {what}" if what else None

    def _transcript(self, result: Transcript) -> str:
        if result.status == "partial":
            return f"… {result.speaker.name}: {result.text}" if self._is_due(result) else ""
        self._shown_until.pop(result.utterance, None)
        mark = "" if result.status == "final" else f" [{result.status}]"
        return f"  {result.speaker.name}: {result.text}{mark}" if result.text or mark else ""

    def _is_due(self, partial: Transcript) -> bool:
        """For the first partial of an utterance, and then once in so much speech."""
        shown = self._shown_until.get(partial.utterance)
        if not partial.text or (shown is not None and partial.end_ms < shown + PARTIAL_EVERY_MS):
            return False
        self._shown_until[partial.utterance] = partial.end_ms
        return True


def _event(result: Result) -> str:
    match result:
        case Keyword():
            return f"* {result.phrase} ({result.category}), after {result.latency_ms} ms"
        case Sentiment(source="text") if abs(result.polarity) >= STRONG_POLARITY:
            feeling = "upbeat" if result.polarity > 0 else "unhappy"
            return f"~ {result.speaker.name} is {feeling}, polarity {result.polarity:+.2f}"
        case Highlight():
            return f"! {result.kind.replace('_', ' ')}: {result.text}"
        case Status(event="gap"):
            return f"! audio is missing until {clock_time(result.end_ms)}: {result.reason}"
        case Status(event="level_changed"):
            return f"! service level {result.level}: {result.reason}"
    return ""
