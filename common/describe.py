"""A result as one line for a person."""

from common.results import (
    Activity,
    Coaching,
    Highlight,
    Keyword,
    Reference,
    Result,
    Sentiment,
    Status,
    Transcript,
)


def describe(result: Result) -> str:
    """Time in the meeting, meeting, speaker, and what happened; without control characters."""
    at = f"{result.start_ms // 60_000:02}:{result.start_ms // 1000 % 60:02}"
    line = f"{at} {result.meeting} {result.speaker.name or '-'}: {_what(result)}"
    return "".join(character if character.isprintable() else " " for character in line)


def _what(result: Result) -> str:
    match result:
        case Transcript():
            what = f"[{result.status}] {result.text}"
        case Keyword():
            what = f"({result.category}) {result.phrase!r} heard, {result.source}, score {result.score:.2f}"
        case Sentiment():
            tone = f"voice: arousal {result.arousal:.2f}"
            what = tone if result.source == "tone" else f"words: polarity {result.polarity:+.2f}"
        case Activity():
            what = result.state
        case Highlight():
            what = f"{result.kind.replace('_', ' ')}: {result.text}{_owed(result)}"
        case Reference():
            what = f"is read aloud: {result.text}"
        case Coaching():
            unsure = [word.text for word in result.words if word.score is not None and word.score < 0.5]
            what = f"read {len(result.words)} words; unclear: {', '.join(unsure) or 'none'}"
        case Status():
            what = f"{result.event.replace('_', ' ')} {result.reason}".rstrip()
    return what


def _owed(highlight: Highlight) -> str:
    named = {"owner": highlight.owner, "due": highlight.due}
    owed = ", ".join(f"{name} {value}" for name, value in named.items() if value)
    return f" ({owed})" if owed else ""
