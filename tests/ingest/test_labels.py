"""Which speaker each sample of a mixed stream belongs to."""

from hypothesis import given
from hypothesis import strategies as st

from common.identity import Speaker
from ingest.labels import NOBODY, Labels

ANN, BO = Speaker("a", "Ann"), Speaker("b", "Bo")


def test_changes_are_exact_to_the_sample() -> None:
    labels = Labels(100)
    labels.mark(ANN, 0, 70)
    labels.mark(BO, 70, 90)
    assert labels.cut(0, 60) == [(ANN, 60)]
    assert labels.cut(60, 90) == [(ANN, 70), (BO, 90)]


def test_unnamed_audio_stays_with_the_speaker_before_for_a_while() -> None:
    labels = Labels(100)
    labels.mark(ANN, 0, 50)
    labels.mark(None, 50, 120)
    labels.mark(None, 120, 200)
    assert labels.cut(0, 200) == [(ANN, 50), (ANN, 120), (ANN, 150), (NOBODY, 200)]


def test_the_while_begins_anew_with_each_word() -> None:
    labels = Labels(100)
    for start in range(0, 400, 100):
        labels.mark(ANN, start, start + 10)
        labels.mark(None, start + 10, start + 100)
    assert {speaker for speaker, _ in labels.cut(0, 400)} == {ANN}


def test_before_anybody_was_named_it_is_nobody() -> None:
    labels = Labels(100)
    labels.mark(None, 0, 30)
    assert labels.cut(0, 30) == [(NOBODY, 30)]


def test_rounding_of_the_resampler_goes_to_the_last_speaker() -> None:
    labels = Labels(100)
    labels.mark(ANN, 0, 30)
    assert labels.cut(0, 31) == [(ANN, 31)]


@given(
    st.lists(st.tuples(st.sampled_from([ANN, BO, None]), st.integers(1, 90)), min_size=1, max_size=20),
    st.lists(st.integers(1, 200), max_size=30),
)
def test_every_sample_has_one_speaker_however_it_is_cut(
    spans: list[tuple[Speaker | None, int]], cuts: list[int]
) -> None:
    def speakers(sizes: list[int]) -> list[Speaker]:
        labels, end = Labels(100), 0
        for speaker, length in spans:
            labels.mark(speaker, end, end + length)
            end += length
        found, start = [], 0
        for size in [*sizes, end]:
            stop = min(start + size, end)
            for speaker, until in labels.cut(start, stop):
                found += [speaker] * (until - start)
                start = until
        return found

    whole = speakers([])
    assert len(whole) == sum(length for _, length in spans)
    assert speakers(cuts) == whole
