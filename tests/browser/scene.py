"""The bundled meeting as the pools would tell it, from its script: for pages that want much to show."""

import json
from collections.abc import Iterator
from pathlib import Path

from common.identity import Meeting, Speaker
from common.results import (
    Activity,
    Highlight,
    Keyword,
    Mood,
    Result,
    Sentiment,
    Status,
    Tone,
    Transcript,
    Word,
)

SCRIPT = json.loads((Path(__file__).parents[2] / "ingest" / "demo" / "meeting.json").read_text())
NAMES = {speaker["id"]: Speaker(speaker["id"], speaker["name"]) for speaker in SCRIPT["speakers"]}
TURNS = SCRIPT["turns"]
PHRASES = {
    "next slide": "navigation",
    "action item": "action",
    "deadline": "scheduling",
    "follow up": "action",
    "let's schedule": "scheduling",
    "any questions": "question",
}
FEELINGS = {"neutral": (0.05, 0.45), "upbeat": (0.85, 0.8), "unhappy": (-0.7, 0.65)}


def begun(meeting: Meeting) -> Status:
    """The meeting begins."""
    return _status(meeting, "meeting_started")


def ended(meeting: Meeting) -> Status:
    """The meeting is over."""
    return _status(meeting, "meeting_ended")


def whole(meeting: Meeting, turns: int = len(TURNS)) -> list[Result]:
    """The meeting up to the end of so many turns."""
    return [begun(meeting), *(result for number in range(turns) for result in turn(meeting, number))]


def turn(meeting: Meeting, number: int) -> list[Result]:
    """All of one turn."""
    return [*forming(meeting, number), *settled(meeting, number)]


def forming(meeting: Meeting, number: int) -> Iterator[Result]:
    """A turn while it is spoken: speech begins, then a partial for every third word."""
    words, common = _words(number), _common(meeting, number)
    yield Activity(
        id=f"u{number}/activity/speaking", end_ms=common["start_ms"] + 100, state="speaking", **common
    )
    for count in range(2, len(words), 3):
        text = " ".join(word.text for word in words[:count])
        yield Transcript(
            id=f"u{number}/transcript/{count}",
            end_ms=words[count - 1].end_ms,
            status="partial",
            text=text,
            stable=" ".join(word.text for word in words[: max(0, count - 2)]),
            latency_ms=180 + 23 * (number % 5) + 11 * (count % 7),
            **common,
        )


def settled(meeting: Meeting, number: int) -> Iterator[Result]:
    """The end of a turn: silence, the final text, what was heard in it and how it was said."""
    words, common = _words(number), _common(meeting, number)
    end_ms, text = TURNS[number]["end_ms"], TURNS[number]["text"]
    yield Activity(id=f"u{number}/activity/silent", end_ms=end_ms, state="silent", **common)
    yield Transcript(
        id=f"u{number}/transcript/final",
        end_ms=end_ms,
        status="final",
        text=text,
        stable=text,
        words=words,
        latency_ms=560 + 37 * (number % 6),
        emitted_at_ms=1_760_000_000_000 + end_ms,
        **common,
    )
    yield from _keywords(number, words, common)
    yield from _sentiments(number, end_ms, common)


def highlight(meeting: Meeting, number: int, kind: str = "action_item") -> Highlight:
    """A turn worth coming back to."""
    common = _common(meeting, number)
    return Highlight(
        id=f"u{number}/highlight/{kind}",
        end_ms=TURNS[number]["end_ms"],
        kind=kind,  # type: ignore[arg-type]  # the callers name a kind
        text=TURNS[number]["text"],
        **common,
    )


def _keywords(number: int, words: tuple[Word, ...], common: dict) -> Iterator[Keyword]:
    for phrase, category in PHRASES.items():
        if phrase in TURNS[number]["text"].lower():
            at = next(i for i, word in enumerate(words) if word.text.lower().startswith(phrase.split()[0]))
            times = {"start_ms": words[at].start_ms, "end_ms": words[at].end_ms + 300}
            yield Keyword(
                id=f"u{number}/keyword/{phrase}",
                phrase=phrase,
                category=category,
                source="acoustic",
                score=0.93,
                latency_ms=230,
                **{**common, **times},
            )


def _sentiments(number: int, end_ms: int, common: dict) -> Iterator[Sentiment]:
    polarity, arousal = FEELINGS[TURNS[number]["mood"]]
    mood = Mood(round(polarity * 0.7, 3), round(arousal * 0.9, 3))
    tone = Tone(182.5, 61.0, -24.3, 2100.0, 4.2, 0.3, 0.1, -0.2)
    for source in ("text", "tone"):
        yield Sentiment(
            id=f"u{number}/sentiment/{source}",
            end_ms=end_ms,
            source=source,  # type: ignore[arg-type]  # both of its values
            polarity=polarity,
            arousal=round(arousal + 0.03 * (number % 5), 3),
            tone=tone if source == "tone" else None,
            mood=mood,
            meeting_mood=Mood(0.2, 0.4),
            latency_ms=310,
            **common,
        )


def _common(meeting: Meeting, number: int) -> dict:
    speaker = NAMES[TURNS[number]["speaker"]]
    return {
        "tenant": meeting.tenant,
        "meeting": meeting.id,
        "track": speaker.id,
        "speaker": speaker,
        "utterance": f"u{number}",
        "start_ms": TURNS[number]["start_ms"],
    }


def _words(number: int) -> tuple[Word, ...]:
    words, start, end = (
        TURNS[number]["text"].split(),
        TURNS[number]["start_ms"],
        TURNS[number]["end_ms"],
    )
    each = (end - start) // len(words)
    return tuple(
        Word(word, start + i * each, start + (i + 1) * each - 20, 0.97) for i, word in enumerate(words)
    )


def _status(meeting: Meeting, event: str) -> Status:
    return Status(
        id=event,
        tenant=meeting.tenant,
        meeting=meeting.id,
        track="",
        speaker=Speaker("", ""),
        start_ms=0,
        end_ms=0,
        event=event,  # type: ignore[arg-type]  # the callers name two of its values
        started_at_ms=1_760_000_000_000,
    )
