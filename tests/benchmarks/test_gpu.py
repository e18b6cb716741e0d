from importlib.util import find_spec

import pytest

from benchmarks.capacity_queues import Cadence, Line
from benchmarks.gpu import Live, batch_row, computed, most_streams, recording, serve_streams, view
from benchmarks.gpu_subjects import Machine, Wav2Vec2

LIVE = Live(Cadence(100, 200, 16), view_s=2, seconds=3, within_ms=100)


def costing(line):
    return lambda batch: line.ms(len(batch))


def answer(rows, live=LIVE):
    return max((row.streams for row in rows if row.holds(live.within_ms)), default=0)


def test_as_many_streams_are_held_as_a_device_has_time_for():
    # 16 windows in 10 + 15 · 2 ms: 400 a second, of which each stream takes 5.
    held = answer(most_streams(LIVE, costing(Line(10, 2))))
    assert 60 <= held <= 80
    assert answer(most_streams(LIVE, costing(Line(10, 1)))) > held
    assert answer(most_streams(LIVE, costing(Line(150, 1)))) == 0


def test_a_device_that_is_overloaded_does_not_hold_however_fresh_its_partials_are():
    row = serve_streams(400, LIVE, costing(Line(5, 2)))
    assert row.p95_ms < 200
    assert row.superseded > 0.2
    assert not row.holds(within_ms=1000)


def test_one_stream_waits_for_its_pass_alone():
    row = serve_streams(1, LIVE, costing(Line(30, 5)))
    assert row.p50_ms == pytest.approx(30)
    assert row.batch == 1
    assert row.busy == pytest.approx(30 / 200, rel=0.1)


def test_streams_are_not_the_same_stretch_of_audio():
    audio = recording()
    assert len(view(audio, 3, 2)) == 32_000
    assert not (view(audio, 3, 2) == view(audio, 4, 2)).all()


@pytest.mark.torch
@pytest.mark.skipif(find_spec("torchaudio") is None, reason="needs hubbub[torch]")
def test_a_tiny_model_on_the_cpu_goes_through_all_that_is_measured():
    subject = Wav2Vec2("tiny", Machine("cpu", "float32", threads=1))
    audio = recording()
    row = batch_row(subject, [subject.window(view(audio, n, 1)) for n in range(3)])
    assert row.windows == 3
    assert set(row.steps_ms) == {"copy", "compute", "decode"}
    assert row.pass_ms > 0
    served = serve_streams(2, LIVE, computed(subject, audio, 1))
    assert 0 < served.p50_ms <= served.p95_ms
    assert "random weights" in subject.name
