"""The bundled meeting: its audio, who said what when, and whom a platform would name as speaking.

`deploy/demo/build.py` synthesised it. All times are milliseconds since its first sample.
"""

from dataclasses import dataclass
from importlib.resources import as_file, files

import numpy as np
import orjson
import soundfile
import soxr
from numpy.typing import NDArray

from common.identity import Speaker
from ingest.player.programme import Programme, Segment

_HERE = files("ingest.demo")


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody says in one go. Turns may overlap."""

    speaker: Speaker
    start_ms: int
    end_ms: int
    mood: str
    text: str


@dataclass(frozen=True, slots=True)
class Label:
    """The dominant speaker for a while; None where nobody speaks. Labels follow each other."""

    speaker: Speaker | None
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase that keyword spotting should hear, as a recogniser timed it (give or take 200 ms)."""

    phrase: str
    turn: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class BundledMeeting:
    """The reference for what the system puts out."""

    title: str
    duration_ms: int
    speakers: tuple[Speaker, ...]
    turns: tuple[Turn, ...]
    labels: tuple[Label, ...]
    keywords: tuple[Phrase, ...]


def load_meeting() -> BundledMeeting:
    """Read the description."""
    raw = orjson.loads(_HERE.joinpath("meeting.json").read_bytes())
    speakers = {item["id"]: Speaker(item["id"], item["name"]) for item in raw["speakers"]}
    return BundledMeeting(
        raw["title"],
        raw["duration_ms"],
        tuple(speakers.values()),
        tuple(Turn(**{**turn, "speaker": speakers[turn["speaker"]]}) for turn in raw["turns"]),
        tuple(Label(**{**label, "speaker": speakers.get(label["speaker"])}) for label in raw["labels"]),
        tuple(Phrase(**phrase) for phrase in raw["keywords"]),
    )


def programme(meeting: BundledMeeting, rate: int) -> Programme:
    """The meeting as a platform hears it: one mixed signal at `rate`, labelled with who dominates."""
    audio, own_rate = read_audio()
    resampled = soxr.resample(audio, own_rate, rate)
    return Programme(
        rate,
        [
            Segment(resampled[label.start_ms * rate // 1000 : label.end_ms * rate // 1000], label.speaker)
            for label in meeting.labels
        ],
    )


def read_audio() -> tuple[NDArray[np.int16], int]:
    """The mixed audio, shape (samples,), and its rate."""
    with as_file(_HERE.joinpath("meeting.ogg")) as path:
        samples, rate = soundfile.read(path, dtype="int16")
    return samples, rate
