"""Results as the pools put them out, for tests of what is shown."""

from common.identity import Speaker
from common.results import Activity, Keyword, Mood, Sentiment, Status, Transcript
from ingest.demo.meeting import BundledMeeting, Label, Phrase, Turn

ANN = Speaker("p-1", "Ann")
BOB = Speaker("p-2", "Bob")


def common(speaker=ANN, start_ms=0, end_ms=1_000, latency_ms=100):
    return {
        "id": "r",
        "tenant": "default",
        "meeting": "demo",
        "track": speaker.id,
        "speaker": speaker,
        "start_ms": start_ms,
        "end_ms": end_ms,
        "latency_ms": latency_ms,
    }


def heard(utterance, state="speaking", **known):
    return Activity(**common(**known), state=state, utterance=utterance)


def said(utterance, text, status="final", *, stable="", level=0, backfilled=False, **known):
    return Transcript(
        **common(**known),
        utterance=utterance,
        status=status,
        text=text,
        stable=stable,
        level=level,
        backfilled=backfilled,
    )


def keyword(phrase, **known):
    return Keyword(
        **common(**known), utterance="u", phrase=phrase, category="meeting", source="acoustic", score=0.9
    )


def felt(polarity, **known):
    mood = Mood(polarity, 0.5)
    return Sentiment(
        **common(**known),
        utterance="u",
        source="text",
        polarity=polarity,
        arousal=0.5,
        tone=None,
        mood=mood,
        meeting_mood=mood,
    )


def status(event, **known):
    more = {name: known.pop(name) for name in ("reason", "level") if name in known}
    return Status(**common(**known), event=event, **more)


def small_meeting():
    """Two turns: Ann from 0 to 2 s, Bob from 3 to 5 s."""
    return BundledMeeting(
        "Small",
        6_000,
        (ANN, BOB),
        (
            Turn(ANN, 0, 2_000, "neutral", "Next slide, please."),
            Turn(BOB, 3_000, 5_000, "neutral", "I will follow up."),
        ),
        (Label(ANN, 0, 2_500), Label(BOB, 2_500, 6_000)),
        (Phrase("next slide", 0, 100, 900), Phrase("follow up", 1, 4_000, 4_900)),
    )
