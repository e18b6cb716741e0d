"""Forced alignment with PocketSphinx: how well each word of a known text was said.

The measure is the goodness of pronunciation of S. Witt and S. Young (2000), frame by frame: how much
less likely the sound is as the phone that the text wants than as the phone it is most like. It is 0
where no other phone fits better, and falls; in nats a frame, averaged over the frames of the word.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pocketsphinx

from common.audio import SAMPLE_RATE
from common.errors import EngineError
from workers.engines.cmudict import Pronunciations

_FRAME_SAMPLES = SAMPLE_RATE // 100
_LEAST_LIKELY = 1e-300


@dataclass(frozen=True, slots=True)
class AlignedWord:
    """The word at `index` of the text was said from `start` to `end` (samples), so well."""

    index: int
    start: int
    end: int
    goodness: float


class Aligner:
    """For one caller at a time. Its decoder takes 30 MB."""

    def __init__(self) -> None:
        self._pronunciations = Pronunciations()

    @cached_property
    def _decoder(self) -> Any:
        try:
            return pocketsphinx.Decoder(lm=None, cmn="batch", loglevel="FATAL")
        except (RuntimeError, ValueError) as error:
            raise EngineError(f"PocketSphinx cannot align: {error}") from error

    def align(self, words: Sequence[str], pcm: bytes) -> list[AlignedWord]:
        """Where each of the lower-case words was said in canonical audio, as far as they fit.

        One that the dictionary lacks is left out, and so are its neighbours, which are given its sound.
        """
        known = [i for i, word in enumerate(words) if self._pronunciations.of(word)]
        missing = set(range(len(words))).difference(known)
        found = self._words(" ".join(words[i] for i in known), pcm) if known and pcm else []
        return [
            AlignedWord(i, start, end, goodness)
            for i, (start, end, goodness) in zip(known, found, strict=False)
            if not {i - 1, i + 1} & missing
        ]

    def _words(self, text: str, pcm: bytes) -> list[tuple[int, int, float]]:
        decoder = self._decoder
        try:
            decoder.set_align_text(text)
            decoder.reinit_feat()  # forgets the noise and the mean of what it heard before
            decoder.start_utt()
            decoder.process_raw(pcm, no_search=False, full_utt=True)
            decoder.end_utt()
        except RuntimeError:  # its way to say that no path through the text fits
            return []
        return [_place(segment) for segment in decoder.seg() or () if segment.word[0] not in "<["]


def _place(segment: Any) -> tuple[int, int, float]:
    frames = segment.end_frame + 1 - segment.start_frame
    start = segment.start_frame * _FRAME_SAMPLES
    # PocketSphinx gives the likelihood of the whole word, 0 where it underflows.
    goodness = math.log(max(segment.ascore, _LEAST_LIKELY)) / frames
    return start, start + frames * _FRAME_SAMPLES, goodness
