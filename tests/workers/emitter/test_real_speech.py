"""The asr and emitter stages with the bundled model on the bundled meeting."""

import json
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest
import soundfile
import soxr

from common.errors import EngineError, SettingsError
from common.identity import Meeting, Speaker, Track
from common.messages import SpeechChunk
from common.settings import EmitterSettings, Settings
from common.stage import Append, Stream
from workers.asr import pool as asr_pool
from workers.emitter import pool as emitter_pool

DEMO = files("ingest.demo")
CHUNK = 1600
SETTINGS = Settings(emitter=EmitterSettings(quality="busy"))


@pytest.fixture(scope="session")
def emitter():
    return emitter_pool.build(SETTINGS)


@pytest.fixture(scope="session")
def first_turns():
    """The first two turns of the meeting: their chunks of speech, and what is said."""
    turns = json.loads((DEMO / "meeting.json").read_text())["turns"][:2]
    audio, rate = soundfile.read(str(DEMO / "meeting.ogg"), dtype="float32", stop=24_000 * 7)
    pcm = (soxr.resample(audio, rate, 16_000) * 32767).astype(np.int16)
    return [(chunks_of(turn, pcm), turn["text"]) for turn in turns]


def chunks_of(turn, pcm):
    track = Track(Meeting("default", "demo"), turn["speaker"], Speaker(turn["speaker"], ""))
    start, end = turn["start_ms"] * 16, turn["end_ms"] * 16
    chunks = []
    for offset in range(start, end, CHUNK):
        stop = min(offset + CHUNK, end)
        closed = "endpoint" if stop == end else ""
        chunks.append(
            SpeechChunk(
                track,
                track.utterance_id(start),
                start,
                offset,
                stop,
                stop // 16,
                pcm[offset:stop].tobytes(),
                closed,
            )
        )
    return chunks


def plain(text):
    return "".join(c for c in text.casefold() if c.isalnum() or c == " ").split()


def test_what_is_said_appears_while_it_is_said(emitter, first_turns, as_entries):
    asr = asr_pool.build(SETTINGS)
    chunks = [chunk for turn, _ in first_turns for chunk in turn]
    transcripts, windows = [], 0
    for entry in as_entries(chunks, Stream.SPEECH):
        due = [e.message for e in asr.process([entry], 0).effects if isinstance(e, Append)]
        effects = emitter.process(as_entries(due, Stream.WINDOWS), 0).effects
        transcripts += [e.message for e in effects if isinstance(e, Append)]
        windows += len(due)

    finals = [t for t in transcripts if t.status == "final"]
    assert [plain(t.text) for t in finals] == [plain(text) for _, text in first_turns]
    for final, (turn, _) in zip(finals, first_turns, strict=True):
        partials = [t for t in transcripts if t.utterance == final.utterance and t.status == "partial"]
        assert len(partials) >= 5
        assert all(after.stable.startswith(before.stable) for before, after in pairwise(partials))
        assert all(t.text.startswith(t.stable) for t in partials)
        assert len(plain(partials[-1].stable)) >= len(plain(final.text)) // 2
        assert [word.text for word in final.words] == final.text.split()
        assert turn[0].start // 16 <= final.words[0].start_ms
        assert final.words[-1].end_ms <= turn[-1].end // 16 + 100


@pytest.mark.parametrize(
    ("emitter_settings", "problem"),
    [
        (EmitterSettings(mels=128), "emitter.mels: 128, but bundled was trained on 80"),
        (EmitterSettings(engine="wav2vec2"), "wav2vec2 has no bundled weights"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_the_start(emitter_settings, problem):
    with pytest.raises(SettingsError, match=problem):
        emitter_pool.build(Settings(emitter=emitter_settings))


def test_a_small_model_that_is_not_there_is_named_at_the_start():
    with pytest.raises(EngineError, match="/nowhere"):
        emitter_pool.build(Settings(emitter=EmitterSettings(small_model="/nowhere")))
