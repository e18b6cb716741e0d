"""Silero as it is bundled: many tracks in one run give what each gives alone."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from common.errors import EngineError
from workers.engines.silero import Silero, find_model
from workers.engines.silero_graph import HOP

HOPS = 40


@pytest.fixture(scope="module")
def model() -> Path:
    return find_model() or pytest.skip("hubbub[local] is not installed")


@pytest.fixture(scope="module")
def tracks() -> np.ndarray:
    """Noise of changing loudness, int16 of shape (3, HOPS, HOP)."""
    rng = np.random.default_rng(11)
    return (rng.normal(size=(3, HOPS, HOP)) * rng.integers(1, 9000, (3, HOPS, 1))).astype(np.int16)


def listen(silero: Silero, lanes: list[int], tracks: np.ndarray) -> np.ndarray:
    hops = [silero.probabilities(np.array(lanes), tracks[:, hop]) for hop in range(tracks.shape[1])]
    return np.array(hops).T


def test_it_hears_what_faster_whisper_hears(model: Path, tracks: np.ndarray) -> None:
    vad = pytest.importorskip("faster_whisper.vad")
    silero = Silero(model, gain=1)
    found = listen(silero, [silero.open_lane()], tracks[:1])[0]
    expected = vad.get_vad_model()(tracks[0].reshape(-1).astype(np.float32) / 32_768)
    # The last hop differs: faster-whisper clears the end of its own audio there.
    np.testing.assert_allclose(found[:-1], expected.reshape(-1)[:-1], atol=1e-5)
    assert found.max() > 2 * found.min()


@pytest.mark.parametrize("company", [3, 4, 7, 16, 33, 130])
def test_tracks_in_one_run_do_not_mix_and_a_replay_in_other_company_repeats_them(
    model: Path, tracks: np.ndarray, company: int
) -> None:
    together = Silero(model, gain=1)
    everybody = np.resize(tracks, (company, *tracks.shape[1:]))
    found = listen(together, [together.open_lane() for _ in everybody], everybody)
    alone = Silero(model, gain=1)
    for track, row in zip(tracks, found, strict=False):
        np.testing.assert_array_equal(listen(alone, [alone.open_lane()], track[None])[0], row)


def test_a_reset_lane_is_as_good_as_new(model: Path, tracks: np.ndarray) -> None:
    silero = Silero(model, gain=1)
    lane = silero.open_lane()
    first = listen(silero, [lane], tracks[:1])
    assert not np.array_equal(listen(silero, [lane], tracks[:1]), first)
    silero.reset(lane)
    np.testing.assert_array_equal(listen(silero, [lane], tracks[:1]), first)


def test_lanes_are_reused_and_grow_without_losing_state(model: Path, tracks: np.ndarray) -> None:
    silero = Silero(model, gain=1)
    lane = silero.open_lane()
    before = listen(silero, [lane], tracks[:1, :20])
    lanes = [silero.open_lane() for _ in range(200)]
    after = listen(silero, [lane], tracks[:1, 20:])
    silero.reset(lane)
    whole = listen(silero, [lane], tracks[:1])
    np.testing.assert_array_equal(np.concatenate([before, after], axis=1), whole)
    assert len({lane, *lanes}) == 201
    silero.close_lane(lanes[7])
    assert silero.open_lane() == lanes[7]


def test_another_graph_is_refused_by_name(tmp_path: Path) -> None:
    other = tmp_path / "silero_vad_v9.onnx"
    other.write_bytes(b"another graph")
    with pytest.raises(EngineError, match=r"silero_vad_v9\.onnx.*HUBBUB_VAD__SILERO=off"):
        Silero(other, gain=1)


def test_finding_the_model_does_not_import_faster_whisper() -> None:
    program = (
        "import sys; from workers.engines.silero import find_model; find_model(); "
        "print('faster_whisper' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert out.stdout == "False\n"
