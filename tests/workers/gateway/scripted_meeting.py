"""The results of a short meeting, as the pools would put them out."""

from collections.abc import Iterator
from dataclasses import replace

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

SHARDS = 4
MEETING = Meeting("default", "standup")
STARTED_AT_MS = 1_760_000_000_000
ANN = Speaker("u-ann", "Ann Abel")
BOB = Speaker("u-bob", "Bob Okoro")
MEI = Speaker("u-mei", "Mei Lin")
NOBODY = Speaker("", "")

SCRIPT: tuple[tuple[Speaker, int, str, float], ...] = (
    (ANN, 800, "Good morning everyone, thanks for joining. Let's start with the release.", 0.6),
    (
        BOB,
        6_200,
        "The build is green, but the import takes far too long and I am worried about Friday.",
        -0.5,
    ),
    (MEI, 12_900, "I can take that. I found the slow query yesterday.", 0.4),
    (ANN, 16_800, "Great, that's an action item for Mei, by Thursday please.", 0.7),
    (BOB, 17_600, "Thanks, Mei!", 0.8),
    (MEI, 22_000, "Next slide. Here you see the numbers of last week, and they are wonderful.", 0.9),
    (BOB, 28_400, "Honestly, the support queue was terrible and customers are angry.", -0.8),
    (ANN, 33_900, "Let's schedule a follow up on that. Anything else?", 0.1),
)
PHRASES = {"action item": "task", "next slide": "command", "follow up": "task", "let's schedule": "command"}


def utterance_results(index: int, meeting: Meeting = MEETING) -> Iterator[Result]:
    """One utterance: speech begins, partials, speech ends, final, keywords, sentiment."""
    speaker, start_ms, text, polarity = SCRIPT[index]
    words = spread(text, start_ms)
    common = {
        "tenant": meeting.tenant,
        "meeting": meeting.id,
        "track": speaker.id,
        "speaker": speaker,
        "utterance": f"u{index}",
        "start_ms": start_ms,
    }
    end_ms = words[-1].end_ms
    yield Activity(id=f"u{index}/activity/speaking", end_ms=start_ms, state="speaking", **common)
    for count in range(2, len(words), 2):
        heard = [w.text for w in words[:count]]
        yield Transcript(
            id=f"u{index}/transcript/{count}",
            end_ms=words[count - 1].end_ms,
            status="partial",
            text=" ".join(heard),
            stable=" ".join(heard[: max(0, count - 3)]),
            latency_ms=140 + 7 * index,
            **common,
        )
    yield Activity(id=f"u{index}/activity/silent", end_ms=end_ms, state="silent", **common)
    yield Transcript(
        id=f"u{index}/transcript/final",
        end_ms=end_ms,
        status="final",
        text=text,
        stable=text,
        words=words,
        latency_ms=420 + 13 * index,
        **common,
    )
    yield from keywords(index, words, common)
    mood = Mood(round(polarity * 0.7, 3), round(0.35 + abs(polarity) / 2, 3))
    yield Sentiment(
        id=f"u{index}/sentiment/text",
        end_ms=end_ms,
        source="text",
        polarity=polarity,
        arousal=mood.arousal,
        tone=None,
        mood=mood,
        meeting_mood=Mood(0.2, 0.4),
        latency_ms=480,
        **common,
    )
    tone = Tone(182.5, 61.0, -24.3, 2100.0, 4.2, 0.3, 0.1, -0.2)
    yield Sentiment(
        id=f"u{index}/sentiment/tone",
        end_ms=end_ms,
        source="tone",
        polarity=polarity,
        arousal=mood.arousal,
        tone=tone,
        mood=mood,
        meeting_mood=Mood(0.2, 0.4),
        latency_ms=310,
        **common,
    )


def keywords(index: int, words: tuple[Word, ...], common: dict) -> Iterator[Keyword]:
    """The phrases of an utterance."""
    bare = [w.text.strip(".,!?").lower() for w in words]
    for phrase, category in PHRASES.items():
        wanted = phrase.split()
        for at in range(len(bare) - len(wanted) + 1):
            if bare[at : at + len(wanted)] == wanted:
                times = {"start_ms": words[at].start_ms, "end_ms": words[at + len(wanted) - 1].end_ms}
                yield Keyword(
                    id=f"u{index}/keyword/{phrase}",
                    phrase=phrase,
                    category=category,
                    source="acoustic",
                    score=0.93,
                    latency_ms=230,
                    **{**common, **times},
                )


def spread(text: str, start_ms: int) -> tuple[Word, ...]:
    """Words at 280 ms each."""
    return tuple(
        Word(word, start_ms + i * 280, start_ms + i * 280 + 250, 0.97) for i, word in enumerate(text.split())
    )


def meeting_results(meeting: Meeting = MEETING) -> list[Result]:
    """The whole meeting."""
    status = Status(
        id="started",
        tenant=meeting.tenant,
        meeting=meeting.id,
        track="",
        speaker=NOBODY,
        start_ms=0,
        end_ms=0,
        event="meeting_started",
        started_at_ms=STARTED_AT_MS,
    )
    level = replace(status, id="level", start_ms=30_000, end_ms=30_000, event="level_changed", level=1)
    gap = replace(status, id="gap", start_ms=31_000, end_ms=31_400, event="gap", reason="backlog")
    highlight = Highlight(
        id="u3/highlight",
        tenant=meeting.tenant,
        meeting=meeting.id,
        track=MEI.id,
        speaker=MEI,
        start_ms=16_800,
        end_ms=19_000,
        kind="action_item",
        text="that's an action item for Mei",
        utterance="u3",
    )
    spoken = [result for index in range(len(SCRIPT)) for result in utterance_results(index, meeting)]
    return [status, *spoken, highlight, level, gap]
