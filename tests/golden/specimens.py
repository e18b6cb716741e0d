"""One specimen of every message and result type, each with every field set to something telling."""

from collections.abc import Mapping

from common.identity import Meeting, Speaker, Track
from common.messages import AudioChunk, Message, SpeechChunk, Window
from common.results import (
    Activity,
    CoachedWord,
    Coaching,
    Highlight,
    Keyword,
    Mood,
    Reference,
    Result,
    Sentiment,
    Status,
    Tone,
    Transcript,
    Word,
)

_SPEAKER = Speaker("s-1", "Zoë")
_TRACK = Track(Meeting("acme", "weekly"), "s-1", _SPEAKER)
_COMMON = {
    "id": "fa77af0e13-13760/x",
    "tenant": "acme",
    "meeting": "weekly",
    "track": "s-1",
    "speaker": _SPEAKER,
    "start_ms": 860,
    "end_ms": 3_720,
    "emitted_at_ms": 1_795_386_516_523,
    "latency_ms": 570,
}
_UTTERANCE = "fa77af0e13-13760"
_MOOD = Mood(-0.25, 0.5)

MESSAGES: Mapping[str, Message] = {
    "audio": AudioChunk(_TRACK, 13_760, 1_795_386_516_523, bytes(range(8)), "pause"),
    "speech": SpeechChunk(
        _TRACK, _UTTERANCE, 13_760, 14_000, 14_002, 1_795_386_516_523, bytes(range(8)), "endpoint", True
    ),
    "window": Window(
        _TRACK, _UTTERANCE, 13_760, 14_000, 15_600, 15_000, 1_795_386_516_523, "log_mel_f16",
        bytes(range(8)), "final", True,
    ),
}  # fmt: skip

RESULTS: Mapping[str, Result] = {
    "activity": Activity(**_COMMON, state="speaking", utterance=_UTTERANCE),  # type: ignore[arg-type]  # by name
    "transcript": Transcript(
        **_COMMON,  # type: ignore[arg-type]  # by name
        utterance=_UTTERANCE,
        status="final",
        text="Ship it.",
        stable="Ship it.",
        words=(Word("Ship", 860, 1_100, 0.5), Word("it.", 1_100, 1_250, 1.0)),
        level=1,
        backfilled=True,
    ),
    "keyword": Keyword(
        **_COMMON,  # type: ignore[arg-type]  # by name
        utterance=_UTTERANCE,
        phrase="ship it",
        category="decision",
        source="acoustic",
        score=0.75,
    ),
    "sentiment": Sentiment(
        **_COMMON,  # type: ignore[arg-type]  # by name
        utterance=_UTTERANCE,
        source="tone",
        polarity=0.5,
        arousal=0.25,
        tone=Tone(95.5, 43.75, -24.5, 1163.5, 4.25, -1.5, 0.25, 0.5),
        mood=_MOOD,
        meeting_mood=_MOOD,
    ),
    "highlight": Highlight(
        **_COMMON,  # type: ignore[arg-type]  # by name
        kind="action_item",
        text="I'll send the deck by Friday.",
        owner="Zoë",
        due="by Friday",
        utterance=_UTTERANCE,
    ),
    "reference": Reference(
        **_COMMON,  # type: ignore[arg-type]  # by name
        text="The quick brown fox.",
    ),
    "coaching": Coaching(
        **_COMMON,  # type: ignore[arg-type]  # by name
        utterance=_UTTERANCE,
        first_word=4,
        skipped_words=1,
        words=(CoachedWord("quick", 900, 1300, 0.875), CoachedWord("Zorblax")),
        score=0.875,
    ),
    "status": Status(
        **_COMMON,  # type: ignore[arg-type]  # by name
        event="gap",
        reason="no audio came",
        level=2,
        started_at_ms=1_795_386_512_226,
    ),
}
