"""Features, scores and places are those of PocketSphinx, which is asked about the same audio."""

from pathlib import Path

import numpy as np
import pocketsphinx
import pytest

from tests.workers.real_speech import turn
from workers.engines.phrase_network import Chain, Passed, PhraseNetwork
from workers.engines.sphinx_features import AHEAD, VALUES, FrontEnd, Tail
from workers.engines.sphinx_model import AcousticModel, load_model
from workers.engines.sphinx_senones import PARTS_OF_A_NAT, SenoneScorer

NEXT_SLIDE, OTHER = 4, 5
PHONES = ("N", "EH", "K", "S", "T", "S", "L", "AY", "D")
CEPSTRA = VALUES // 3


@pytest.fixture(scope="module")
def model() -> AcousticModel:
    return load_model()


@pytest.fixture(scope="module")
def network(model: AcousticModel) -> PhraseNetwork:
    return PhraseNetwork(model, [Chain(PHONES, 1e-40)])


def asked(samples: np.ndarray, folder: Path) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """PocketSphinx's cepstra of the audio, before the mean is taken off, and the places of the phrase."""
    decoder = pocketsphinx.Decoder(
        lm=None, keyphrase="next slide", kws_threshold=1e-40, mfclogdir=str(folder), loglevel="FATAL"
    )
    decoder.start_utt()
    decoder.process_raw(samples.tobytes(), no_search=False, full_utt=False)
    decoder.end_utt()
    dump = next(folder.glob("*.mfc")).read_bytes()[4:]
    places = [(segment.start_frame, segment.end_frame) for segment in decoder.seg() or ()]
    return np.frombuffer(dump, ">f4").reshape(-1, CEPSTRA).astype(np.float64), places


def features(samples: np.ndarray, piece: int = 10) -> np.ndarray:
    """Of all frames that are complete; the three first ones stand for what was before."""
    front_end, tail, parts = FrontEnd(), Tail(), []
    tail.samples = np.concatenate([tail.samples, samples])
    while frames := min(piece, tail.complete):
        parts.append(front_end.features([tail], [frames])[:, 0])
    return np.concatenate(parts)


@pytest.mark.parametrize("number", [NEXT_SLIDE, OTHER])
def test_cepstra_are_those_that_the_model_was_trained_on(number: int, tmp_path: Path) -> None:
    """Up to the first new mean, after three seconds; differences between frames know no mean."""
    samples = turn(number)
    cepstra, _ = asked(samples, tmp_path)
    ours = features(samples)[AHEAD:, :CEPSTRA]
    assert len(ours) > 500
    mean = np.array([40.0, 3.0, -1.0, *[0.0] * (CEPSTRA - 3)])
    assert np.abs(ours[:290] + mean - cepstra[:290]).max() < 1e-3
    shifted = features(samples)[AHEAD : AHEAD + 290, CEPSTRA : 2 * CEPSTRA]
    assert np.abs(shifted[2:] - (cepstra[4:292] - cepstra[:288])).max() < 1e-3


def test_a_mean_is_taken_anew_of_what_was_heard() -> None:
    """So that a microphone's colour goes away: after three seconds of one sound less is left of it."""
    hum = np.random.default_rng(1).normal(0, 4000, 16_000 * 8).astype(np.int16)
    offsets = np.abs(features(hum)[:, 1:CEPSTRA])
    assert offsets[600:700].mean() < offsets[100:200].mean()


def test_pieces_and_company_change_no_feature() -> None:
    samples, other = turn(NEXT_SLIDE)[:30_000], turn(OTHER)
    alone = features(samples, piece=1)
    assert np.array_equal(alone, features(samples, piece=7))
    front_end, tails, parts = FrontEnd(), [Tail(), Tail()], []
    for tail, heard in zip(tails, (other, samples), strict=True):
        tail.samples = np.concatenate([tail.samples, heard])
    while frames := min(5, tails[1].complete):
        parts.append(front_end.features(tails, [9, frames])[:frames, 1])
    assert np.array_equal(np.concatenate(parts), alone)


def test_a_state_is_scored_as_the_sum_of_its_gaussians(model: AcousticModel) -> None:
    """Worked out one by one, for one frame; what is the same for all states is taken off."""
    senones = np.array([3282, 3424, 958, 12])
    frame = features(turn(NEXT_SLIDE))[200].astype(np.float64)
    phones = model.definition.phone_of_senone()[senones]
    logs = np.zeros(len(senones))
    for stream, values in enumerate(frame.reshape(3, CEPSTRA)):
        means, variances = (part[stream].astype(np.float64) for part in (model.means, model.variances))
        densities = -0.5 * ((values - means) ** 2 / variances + np.log(2 * np.pi * variances)).sum(axis=2)
        shares = np.exp(densities - densities.max())
        shares /= shares.sum()
        weights = np.exp(model.log_weights[stream][:, senones])
        logs += np.log((shares[phones] * weights.T).sum(axis=1) + 1e-5)
    scored = SenoneScorer(model, senones).scores(frame[None].astype(np.float32))[0] / PARTS_OF_A_NAT
    assert scored - scored[0] == pytest.approx(logs - logs[0], abs=0.02)


@pytest.mark.parametrize("rows", [1, 2, 3, 30, 200])
def test_company_changes_no_score(model: AcousticModel, network: PhraseNetwork, rows: int) -> None:
    scorer, frames = SenoneScorer(model, network.senones), features(turn(NEXT_SLIDE))
    assert np.array_equal(scorer.scores(frames[7 : 7 + rows]), scorer.scores(frames[:300])[7 : 7 + rows])


def test_a_phrase_is_where_pocketsphinx_finds_it(
    model: AcousticModel, network: PhraseNetwork, tmp_path: Path
) -> None:
    samples = turn(NEXT_SLIDE)
    _, ((start, _),) = asked(samples, tmp_path)
    best = max(passed_in(model, network, samples), key=lambda one: one.score)
    assert abs(best.start - AHEAD - start) <= 5
    assert not passed_in(model, network, turn(OTHER))


def passed_in(model: AcousticModel, network: PhraseNetwork, samples: np.ndarray) -> list[Passed]:
    scores = SenoneScorer(model, network.senones).scores(features(samples))
    return network.advance([network.tokens()], scores, np.arange(len(scores))[:, None], [0])[0]
