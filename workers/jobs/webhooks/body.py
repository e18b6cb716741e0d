"""What a webhook's body says: the result as it lies on the stream, or a line of text for chat bots."""

from datetime import UTC, datetime

import orjson

from common.results import Highlight, Keyword, Result, Sentiment, Status, Transcript, from_json
from common.webhooks import TEST_EVENT, Delivery, Format

TEST_TEXT = "Hubbub can reach this webhook."
_MENTIONS = ("@", "#")
_BREAK = "\u2060"  # a word joiner: no width, and no chat reads a mention across it


def body(delivery: Delivery, data: bytes, form: Format) -> bytes:
    """The body of a delivery, from the JSON of its result; that of a test has none. Always the same bytes.

    Raises InvalidMessage for a result that this version cannot read, where it is to be a text.
    """
    if form == "slack":
        text = TEST_TEXT if delivery.event == TEST_EVENT else line(from_json(data))
        return orjson.dumps({"text": text, "mrkdwn": False})
    moment = datetime.fromtimestamp(delivery.made_at_ms / 1000, UTC)
    content = {"message": TEST_TEXT} if delivery.event == TEST_EVENT else orjson.Fragment(data)
    return orjson.dumps({"type": delivery.event, "timestamp": moment.isoformat(), "data": content})


def line(result: Result) -> str:
    """A result as one line of text, with what came from outside made harmless."""
    start = f"[{plain(result.meeting)} {_clock(result.start_ms)}]"
    name = plain(result.speaker.name or result.speaker.id)
    return f"{start} {name}: {_said(result)}" if name else f"{start} {_said(result)}"


def plain(text: str) -> str:
    """Text from outside for chat: no markup, no links, and nobody is mentioned by it."""
    for sign, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, escaped)
    for sign in _MENTIONS:
        text = text.replace(sign, sign + _BREAK)
    return " ".join(text.split())


def _said(result: Result) -> str:
    match result:
        case Transcript():
            return plain(result.text) or f"({result.status})"
        case Keyword():
            return f'"{plain(result.phrase)}" ({plain(result.category)})'
        case Highlight():
            return f"{result.kind.replace('_', ' ')}: {plain(result.text)}{_owed(result)}"
        case Sentiment():
            return f"{result.source} polarity {result.polarity:+.2f}, arousal {result.arousal:.2f}"
        case Status():
            return f"{result.event.replace('_', ' ')} {plain(result.reason)}".strip()
    return f"{result.type} {getattr(result, 'state', '')}".strip()


def _owed(highlight: Highlight) -> str:
    named = {"owner": highlight.owner, "due": highlight.due}
    owed = ", ".join(f"{name} {plain(value)}" for name, value in named.items() if value)
    return f" ({owed})" if owed else ""


def _clock(ms: int) -> str:
    minutes, seconds = divmod(max(0, ms) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
