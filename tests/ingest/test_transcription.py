"""From the results of a file to its transcript."""

from pathlib import Path

import orjson
import pytest

from common.errors import InvalidInput
from common.identity import Meeting, Speaker
from common.results import Activity, Transcript, Word
from ingest.player.recordings import Clip
from ingest.transcribe import transcribe
from ingest.transcription import Hearing, to_line

COMMON = {"tenant": "default", "meeting": "m", "track": "mixed", "speaker": Speaker("mixed", "")}


def heard() -> Hearing:
    return Hearing(Clip("talk.wav", Path("talk.wav")), Meeting("default", "m"), 4.0, 1.0)


def activity(utterance: str) -> Activity:
    return Activity(id=utterance, start_ms=0, end_ms=0, state="speaking", utterance=utterance, **COMMON)  # type: ignore[arg-type]


def transcript(utterance: str, status: str, start_ms: int, text: str) -> Transcript:
    words = (Word(text, start_ms, start_ms + 500, 0.9),)
    rest = {**COMMON, "stable": "", "text": text, "words": words, "status": status}
    return Transcript(
        id=f"{utterance}/{status}", start_ms=start_ms, end_ms=start_ms + 500, utterance=utterance, **rest
    )  # type: ignore[arg-type]


def test_finals_are_in_order_of_time_and_partials_are_none() -> None:
    hearing = heard()
    for result in (
        transcript("u2", "partial", 2_000, "wor"),
        transcript("u2", "final", 2_000, "world"),
        transcript("u1", "final", 100, "hello"),
    ):
        hearing.take(result)
    line = orjson.loads(to_line(hearing))
    assert line["text"] == "hello world"
    assert [word["text"] for word in line["words"]] == ["hello", "world"]
    assert [final["utterance"] for final in line["finals"]] == ["u1", "u2"]
    assert (line["file"], line["seconds"], line["coverage"]) == ("talk.wav", 4.0, 1.0)


def test_utterance_is_open_until_it_is_final_or_lost() -> None:
    hearing = heard()
    hearing.take(activity("u1"))
    hearing.take(activity("u2"))
    hearing.take(transcript("u1", "partial", 0, "hel"))
    hearing.take(transcript("u1", "deferred", 0, ""))
    assert hearing.open == {"u1", "u2"}
    hearing.take(transcript("u1", "final", 0, "hello"))
    hearing.take(transcript("u2", "lost", 0, ""))
    hearing.take(activity("u1"))
    assert hearing.open == set()
    assert hearing.text == "hello"


def test_what_is_no_audio_is_named_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "noise.wav").write_bytes(b"no audio")
    with pytest.raises(InvalidInput, match=r"noise\.wav"):
        transcribe([tmp_path / "noise.wav"])
