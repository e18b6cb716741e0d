"""Forced alignment on the bundled meeting."""

from statistics import mean

import numpy as np
import pytest
import soxr

from common.audio import SAMPLE_RATE
from ingest.demo.meeting import Turn, load_meeting, read_audio
from workers.engines.pronunciation import Aligner
from workers.jobs.coaching.reading import keys_of

TURNS = load_meeting().turns[:4]


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    return Aligner()


def said(turn: Turn) -> bytes:
    audio, rate = read_audio()
    piece = audio[turn.start_ms * rate // 1000 : turn.end_ms * rate // 1000]
    return soxr.resample(piece, rate, SAMPLE_RATE).astype(np.int16).tobytes()


@pytest.mark.parametrize("turn", TURNS, ids=lambda turn: turn.text[:20])
def test_every_word_is_found_in_order_within_the_audio(aligner: Aligner, turn: Turn) -> None:
    words, pcm = keys_of(turn.text), said(turn)
    found = aligner.align(words, pcm)
    assert [word.index for word in found] == list(range(len(words)))
    edges = [edge for word in found for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert edges[-1] <= len(pcm) // 2


def test_a_word_that_was_not_said_stands_out(aligner: Aligner) -> None:
    turn = TURNS[0]
    words = list(keys_of(turn.text))
    right = mean(word.goodness for word in aligner.align(words, said(turn)))
    words[2] = "banana"
    worst = min(aligner.align(words, said(turn)), key=lambda word: word.goodness)
    assert worst.index == 2
    assert worst.goodness < 2 * right < 0


def test_the_same_audio_gets_the_same_scores_whatever_came_before(aligner: Aligner) -> None:
    first, second = (keys_of(turn.text) for turn in TURNS[:2])
    before = aligner.align(first, said(TURNS[0]))
    aligner.align(second, said(TURNS[1]))
    assert aligner.align(first, said(TURNS[0])) == before


def test_a_word_that_the_dictionary_lacks_spoils_only_its_neighbours(aligner: Aligner) -> None:
    words = list(keys_of(TURNS[0].text))
    words[3] = "zorblaxian"
    assert {2, 3, 4}.isdisjoint(word.index for word in aligner.align(words, said(TURNS[0])))
    assert {0, 1, 5} <= {word.index for word in aligner.align(words, said(TURNS[0]))}


def test_nothing_to_align_is_no_error(aligner: Aligner) -> None:
    assert aligner.align([], said(TURNS[0])) == []
    assert aligner.align(["hello"], b"") == []
    assert aligner.align(["zorblaxian"], bytes(32_000)) == []
    assert aligner.align(["a", "very", "long", "sentence"] * 10, bytes(3200)) == []
