"""What downstream services read: the results, their JSON and their JSON Schemas.

Field names are part of the interface (schema version `v`). Times ending in `_ms` without further
words are milliseconds since the first sample of the meeting. A stage leaves `emitted_at_ms` and
`latency_ms` at zero; the commit sets them.
"""

from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Literal, get_args

import orjson
from pydantic import TypeAdapter, ValidationError

from common.errors import InvalidMessage
from common.identity import Speaker

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What every result has."""

    id: str
    tenant: str
    meeting: str
    track: str
    speaker: Speaker
    start_ms: int
    end_ms: int
    emitted_at_ms: int = 0
    latency_ms: int = 0
    v: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity(Common):
    """Somebody began to speak, or an utterance ended."""

    state: Literal["speaking", "silent"]
    utterance: str
    type: Literal["activity"] = "activity"


@dataclass(frozen=True, slots=True)
class Word:
    """A transcribed word; probability is 0 to 1."""

    text: str
    start_ms: int
    end_ms: int
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript(Common):
    """The text of an utterance so far ("partial"), for good ("final"), or why there is none yet.

    `stable` is the prefix of `text` that no later partial of the utterance will change. The final
    is decoded anew, with more context, and has the last word: all of it is stable.
    """

    utterance: str
    status: Literal["partial", "final", "deferred", "lost"]
    text: str
    stable: str
    words: tuple[Word, ...] = ()
    level: int = 0
    backfilled: bool = False
    type: Literal["transcript"] = "transcript"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyword(Common):
    """A configured phrase was heard; start_ms to end_ms is the phrase. Score is 0 to 1."""

    utterance: str
    phrase: str
    category: str
    source: Literal["acoustic", "transcript"]
    score: float
    type: Literal["keyword"] = "keyword"


@dataclass(frozen=True, slots=True)
class Tone:
    """Prosody of an utterance. Each figure is absolute; `*_z` is relative to the speaker's own baseline.

    Pitch in Hz (median of voiced frames; 0 where none is voiced), energy in dB relative to full
    scale, zero crossings per second, rate in syllable nuclei per second of speech.
    """

    pitch_hz: float
    pitch_range_hz: float
    energy_db: float
    zero_crossing_rate: float
    rate: float
    pitch_z: float
    energy_z: float
    rate_z: float


@dataclass(frozen=True, slots=True)
class Mood:
    """Smoothed polarity (-1 to 1) and arousal (0 to 1)."""

    polarity: float
    arousal: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentiment(Common):
    """How an utterance was said ("tone") or what its words say ("text"), and the mood since."""

    utterance: str
    source: Literal["tone", "text"]
    polarity: float
    arousal: float
    tone: Tone | None
    mood: Mood
    meeting_mood: Mood
    type: Literal["sentiment"] = "sentiment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlight(Common):
    """A moment worth coming back to: the sentence, and of an action item who and by when if said."""

    kind: Literal["action_item", "decision", "question", "strong_moment"]
    text: str
    utterance: str
    owner: str = ""
    due: str = ""
    type: Literal["highlight"] = "highlight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference(Common):
    """A text that is read aloud from now on, by the speaker or, with an empty id, by anybody.

    What is said is compared with it, until another text or an empty one takes its place.
    """

    text: str
    type: Literal["reference"] = "reference"


@dataclass(frozen=True, slots=True)
class CoachedWord:
    """A word of a reference text; times and score (0 to 1) are null where it could not be judged."""

    text: str
    start_ms: int | None = None
    end_ms: int | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coaching(Common):
    """How words `first_word` and on of the reference text were pronounced; `skipped_words` before them.

    `score` is the mean of those of the words, null where none could be judged.
    """

    utterance: str
    first_word: int
    skipped_words: int
    words: tuple[CoachedWord, ...]
    score: float | None
    type: Literal["coaching"] = "coaching"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Common):
    """A meeting or speaker came or went, the service level changed, or audio is missing.

    `gap`: start_ms to end_ms was not processed; `reason` says why. `meeting_started` carries the
    wall-clock start as `started_at_ms` (Unix time).
    """

    event: Literal[
        "meeting_started",
        "meeting_ended",
        "speaker_joined",
        "speaker_left",
        "level_changed",
        "gap",
    ]
    reason: str = ""
    level: int = 0
    started_at_ms: int = 0
    type: Literal["status"] = "status"


Result = Activity | Transcript | Keyword | Sentiment | Highlight | Reference | Coaching | Status
TYPES: dict[str, type[Result]] = {cls.__dataclass_fields__["type"].default: cls for cls in get_args(Result)}


def to_json(result: Result) -> bytes:
    """The one encoding of a result, on the stream and on every socket."""
    return orjson.dumps(result)


def from_json(data: bytes) -> Result:
    """Decode and check a result. Raises InvalidMessage."""
    try:
        raw: dict[str, Any] = orjson.loads(data)
        if raw["v"] != SCHEMA_VERSION:
            raise InvalidMessage(f"result version {raw['v']!r}: this process reads {SCHEMA_VERSION}")
        result: Result = _adapter(raw["type"]).validate_python(raw)
        return result
    except (ValueError, TypeError, KeyError, ValidationError) as error:
        raise InvalidMessage(f"unreadable result of {len(data)} bytes: {error}") from error


def json_schema(type_name: str) -> dict[str, Any]:
    """The JSON Schema of one result type. Raises KeyError for an unknown one."""
    schema = _adapter(type_name).json_schema(mode="serialization")
    required = [field.name for field in fields(TYPES[type_name])]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "required": required}


@cache
def _adapter(type_name: str) -> TypeAdapter[Any]:
    cls = TYPES[type_name]
    assert is_dataclass(cls)
    return TypeAdapter(cls)
