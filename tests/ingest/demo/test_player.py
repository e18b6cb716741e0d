from dataclasses import replace

import numpy as np

from common.identity import Speaker
from ingest.demo.meeting import load_meeting
from ingest.demo.player import RATE, frames
from ingest.labels import NOBODY


def test_frames_are_the_audio_cut_into_pieces_of_many_sizes():
    meeting = load_meeting()
    audio = np.arange(meeting.duration_ms * RATE // 1000, dtype=np.int64).astype(np.int16)
    played = list(frames(meeting, audio))
    assert b"".join(frame.pcm for frame in played) == audio.tobytes()
    assert played[-1].end_ms == meeting.duration_ms
    sizes_ms = {len(frame.pcm) // 2 * 1000 // RATE for frame in played}
    assert min(sizes_ms) <= 21
    assert max(sizes_ms) >= 250


def test_frames_name_the_dominant_speaker_or_nobody():
    meeting = replace(load_meeting(), duration_ms=4_000)
    played = list(frames(meeting, np.zeros(4 * RATE, np.int16)))
    daniel = Speaker("p-1", "Daniel Hale")
    assert {frame.speaker for frame in played if frame.end_ms < 800} == {NOBODY}
    assert {frame.speaker for frame in played if frame.end_ms > 1_100} == {daniel}
