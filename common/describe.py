"""A result as one line for a person."""

from common.results import Activity, Highlight, Keyword, Result, Sentiment, Status, Transcript


def describe(result: Result) -> str:
    """Time in the meeting, meeting, speaker, and what happened; without control characters."""
    at = f"{result.start_ms // 60_000:02}:{result.start_ms // 1000 % 60:02}"
    line = f"{at} {result.meeting} {result.speaker.name or '-'}: {_what(result)}"
    return "".join(character if character.isprintable() else " " for character in line)


def _what(result: Result) -> str:
    match result:
        case Transcript():
            return f"[{result.status}] {result.text}"
        case Keyword():
            return f"({result.category}) {result.phrase!r} heard, {result.source}, score {result.score:.2f}"
        case Sentiment():
            return f"{result.source}: polarity {result.polarity:+.2f}, arousal {result.arousal:.2f}"
        case Activity():
            return result.state
        case Highlight():
            return f"{result.kind.replace('_', ' ')}: {result.text}"
        case Status():
            return f"{result.event.replace('_', ' ')} {result.reason}".rstrip()
