"""What scoring settles, and what it leaves to be read; and that phrases are scored by their sound."""

from collections.abc import Sequence

import numpy as np
import pytest
from scripted_speech import PHRASES

from common.audio import SAMPLE_RATE
from tests.workers.real_speech import turn
from workers.engines.cmudict import Pronunciations
from workers.engines.log_mel import LogMel
from workers.engines.phrase_scoring import PhraseScorer, Question
from workers.engines.speech import DecodeSettings, Hypothesis
from workers.engines.spotter import Spottable, Spotter
from workers.engines.whisper_model import CPU, WhisperModel
from workers.engines.whisper_weights import find_weights
from workers.keyword.listening import TAILS, Candidate, Inquiry, Look
from workers.keyword.matching import Matcher
from workers.keyword.verifier import HOPELESS, SURE, Answer, Verification, Verifier

MATCHER = Matcher(PHRASES, Pronunciations().of)
NEXT_SLIDE, DEADLINE = 4, 14


class Told:
    """Scores by phrase, and a text that is the same for every window."""

    encoding = "log_mel_f16"

    def __init__(self, text: str = "", **scores: float) -> None:
        self._text, self._scores = text, scores
        self.lengths: list[int] = []

    def scores(self, questions: Sequence[Question]) -> list[float]:
        self.lengths += [len(question.window) for question in questions]
        return [self._scores[question.phrase.replace(" ", "_")] for question in questions]

    def transcribe(
        self, windows: Sequence[np.ndarray], settings: DecodeSettings, *, word_times: bool
    ) -> list[Hypothesis]:
        return [Hypothesis(self._text, (), -0.1, 0.0) for _ in windows]


def answer(told: Told, *candidates: Candidate, look: Look = "first") -> Answer:
    inquiry = Inquiry("u", 0, bytes(4 * SAMPLE_RATE), candidates, look)
    return Verifier(Verification(told, told, 80), MATCHER).answer([inquiry])[0]


def phrases(answer: Answer) -> list[str]:
    return [heard.phrase.text for heard in answer.heard]


def test_a_good_score_settles_it_and_a_better_one_is_surer() -> None:
    where = Candidate("mute", 8000, 16_000)
    good, better = answer(Told(mute=SURE["first"]), where), answer(Told(mute=-0.1), where)
    assert phrases(good) == phrases(better) == ["mute"]
    assert (good.heard[0].start_ms, good.heard[0].end_ms) == (500, 1000)
    assert 0.5 < good.heard[0].score < better.heard[0].score < 1


def test_a_bad_score_settles_it_too() -> None:
    assert answer(Told(mute=HOPELESS - 0.1), Candidate("mute", 0, 8000)) == Answer(())


def test_in_between_it_is_open() -> None:
    where = Candidate("mute", 0, 8000)
    assert answer(Told(mute=-4.0), where) == Answer((), {where: -4.0})


def test_of_phrases_at_the_same_place_the_better_one_counts() -> None:
    near, far = Candidate("mute", 4000, 9000), Candidate("mute", 20_000, 24_000)
    told = Told(mute=-1.5, deadline=-1.0)
    assert phrases(answer(told, near, Candidate("deadline", 0, 8000))) == ["deadline"]
    assert phrases(answer(told, Candidate("deadline", 0, 8000), far)) == ["deadline", "mute"]


def test_what_is_not_yet_sure_may_be_a_little_later() -> None:
    where = Candidate("mute", 8000, 16_000)
    between = Told(mute=-2.0)
    assert phrases(answer(between, where)) == []
    assert phrases(answer(between, where, look="second")) == ["mute"]


def test_only_the_audio_of_the_phrase_is_scored() -> None:
    told = Told(mute=-1.0)
    answer(told, Candidate("mute", 8000, 16_000))
    assert told.lengths == [61]  # half a second, and 110 ms around it


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("you are on mute", ["mute"]),
        ("you are on route", []),
        ("the next slide then", ["next slide"]),
        ("and then next slide", []),
    ],
)
def test_the_last_look_reads_what_was_said(text: str, found: list[str]) -> None:
    """What was not proposed must not end where the text was cut."""
    assert phrases(answer(Told(text), Candidate("mute", 0, 8000), look="last")) == found


@pytest.fixture(scope="module")
def scorer() -> PhraseScorer:
    return PhraseScorer(WhisperModel.load(find_weights("bundled"), device=CPU, language="en"))


def cut_out(number: int, phones: str) -> np.ndarray:
    """What sounds like this in a turn, where the spotter heard it first."""
    pcm = turn(number)
    spotter = Spotter.load({"phrase": Spottable((tuple(phones.split()),), 1e-16)})
    spotting = spotter.listen()
    spotting.push(pcm.tobytes())
    spotter.work()
    spotted = spotting.take()[0]
    front_end = LogMel()
    piece = pcm[spotted.start - 800 : spotted.end + TAILS["last"]]
    return np.concatenate([front_end.push(piece), front_end.flush()])


@pytest.fixture(scope="module")
def window() -> np.ndarray:
    """ "Next slide"."""
    return cut_out(NEXT_SLIDE, "N EH K S T S L AY D")


def test_what_was_said_scores_high_and_what_was_not_low(scorer: PhraseScorer, window: np.ndarray) -> None:
    said, other, near = scorer.scores(
        [Question(text, window) for text in ("next slide", "can you hear me", "next steps")]
    )
    assert said > SURE["second"] > max(other, near)


def test_a_noun_need_not_begin_a_text(scorer: PhraseScorer) -> None:
    window = cut_out(DEADLINE, "D EH D L AY N")
    said, other = scorer.scores([Question(text, window) for text in ("deadline", "headline")])
    assert said > SURE["second"] > other


def test_a_hyphen_is_as_good_as_a_space(scorer: PhraseScorer, window: np.ndarray) -> None:
    hyphen, space = scorer.scores([Question(text, window) for text in ("next-slide", "next slide")])
    assert hyphen == pytest.approx(space)


def test_no_length_of_a_window_is_special(scorer: PhraseScorer, window: np.ndarray) -> None:
    """CTranslate2 confuses what was encoded with features where both have the same shape."""
    scores = scorer.scores([Question("next slide", window[:length]) for length in range(56, 64)])
    assert np.abs(np.diff(scores)).max() < 2


def test_company_changes_no_score(scorer: PhraseScorer, window: np.ndarray) -> None:
    longer = np.concatenate([window] * 4)
    alone = scorer.scores([Question("next slide", window)])
    questions = [Question("mute", longer), Question("next slide", window), Question("follow up", window)]
    assert scorer.scores(questions)[1] == pytest.approx(alone[0], abs=0.01)


def test_nothing_asked_is_nothing_scored(scorer: PhraseScorer) -> None:
    assert scorer.scores([]) == []
