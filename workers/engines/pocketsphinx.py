"""Keyword spotting with PocketSphinx: many utterances at once, a decoder each.

A decoder with a dictionary of the phrases alone takes 6 MB and 12 ms to make (27 MB and 115 ms
with the whole dictionary), so decoders are kept and lent to one utterance after another.
Processing holds the interpreter lock, so more threads don't help; blocks are short.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pocketsphinx

from common.audio import BYTES_PER_SAMPLE, SAMPLE_RATE, sample_count
from common.errors import EngineError

BLOCK_SAMPLES = 320  # what is found is told at once; blocks of 100 ms cost 4 % less
_FRAME_SAMPLES = SAMPLE_RATE // 100
_SETTINGS = {
    "ds": 2,  # every second frame's scores, of the best two Gaussians: half the cost
    "topn": 2,
    "maxhmmpf": 1000,
    "kws_delay": 0,  # otherwise a phrase is told 100 ms late, and at the end of an utterance never
    "loglevel": "FATAL",
}
_DICTIONARY = "en-us/cmudict-en-us.dict"

Phones = tuple[str, ...]


class Pronunciations:
    """The CMU pronouncing dictionary that PocketSphinx ships, kept as text: 3 MB instead of 30."""

    def __init__(self) -> None:
        path = Path(pocketsphinx.get_model_path(_DICTIONARY))
        try:
            self._text = b"\n" + path.read_bytes()
        except OSError as error:
            raise EngineError(f"cannot read PocketSphinx's dictionary {path}: {error}") from error
        self.of = lru_cache(maxsize=20_000)(self._look_up)

    def _look_up(self, word: str) -> tuple[Phones, ...]:
        """The ways to say a lower-case word; none where it is not in the dictionary."""
        found: list[Phones] = []
        heading = word
        while (at := self._text.find(f"\n{heading} ".encode())) >= 0:
            line = self._text[at + 1 : self._text.index(b"\n", at + 1)].decode()
            found.append(tuple(line.split()[1:]))
            heading = f"{word}({len(found) + 1})"
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Spottable:
    """A phrase's ways to be said, and the likelihood ratio, against any other speech, that it needs.

    The smaller the ratio, the more is found, rightly and wrongly.
    """

    ways: tuple[Phones, ...]
    threshold: float


@dataclass(frozen=True, slots=True)
class Spotted:
    """A phrase that may have been said, in samples from the start of the utterance.

    It was noticed when the samples before `noticed` had been processed.
    """

    phrase: str
    start: int
    end: int
    noticed: int


class Spotter:
    """Finds candidates of the given phrases. For one caller at a time."""

    def __init__(self, phrases: Mapping[str, Spottable]) -> None:
        self._names: dict[str, str] = {}
        self._thresholds: list[str] = []
        self._dictionary: list[str] = []
        for phrase, spottable in phrases.items():
            for way in spottable.ways:
                name = f"phrase{len(self._names)}"
                self._names[name] = phrase
                self._thresholds.append(f"{name} /{spottable.threshold:g}/\n")
                self._dictionary.append(f"{name} {' '.join(way)}\n")
        self._idle: list[pocketsphinx.Decoder] = []

    def warm_up(self) -> None:
        """Make the first decoder, which shows whether the phrases can be spotted. Raises EngineError."""
        self._idle.append(self._decoder())

    def listen(self) -> "Spotting":
        """Start on an utterance. What is found depends on its audio alone. Raises EngineError."""
        decoder = self._idle.pop() if self._idle else self._decoder()
        decoder.reinit_feat()  # the front-end's memory and the cepstral mean, as new (0.03 ms)
        decoder.start_utt()
        return Spotting(decoder, self._names, self._idle)

    def _decoder(self) -> pocketsphinx.Decoder:
        """PocketSphinx takes its phrases from files, which it reads once."""
        with TemporaryDirectory(prefix="hubbub-spotter-") as folder:
            phrases, dictionary = Path(folder, "phrases"), Path(folder, "dictionary")
            phrases.write_text("".join(self._thresholds))
            dictionary.write_text("".join(self._dictionary))
            try:
                return pocketsphinx.Decoder(kws=str(phrases), dict=str(dictionary), lm=None, **_SETTINGS)
            except (RuntimeError, ValueError) as error:
                raise EngineError(f"PocketSphinx refuses the phrases: {error}") from error


class Spotting:
    """One utterance in one decoder. Samples in, candidates out, the same however they are split."""

    def __init__(
        self, decoder: pocketsphinx.Decoder, names: Mapping[str, str], idle: list[pocketsphinx.Decoder]
    ) -> None:
        self._decoder, self._names, self._idle = decoder, names, idle
        self._pending = b""
        self._told: set[tuple[str, int]] = set()
        self.processed = 0

    def push(self, pcm: bytes) -> list[Spotted]:
        """Candidates that came with these samples."""
        self._pending += pcm
        size = BLOCK_SAMPLES * BYTES_PER_SAMPLE
        spotted: list[Spotted] = []
        while len(self._pending) >= size:
            spotted += self._process(self._pending[:size])
            self._pending = self._pending[size:]
        return spotted

    def close(self) -> list[Spotted]:
        """Candidates at the very end. Gives the decoder back; nothing may be pushed after it."""
        spotted = self._process(self._pending) if self._pending else []
        self._decoder.end_utt()
        spotted += self._new()
        self._idle.append(self._decoder)
        return spotted

    def _process(self, pcm: bytes) -> list[Spotted]:
        self._decoder.process_raw(pcm, no_search=False, full_utt=False)
        self.processed += sample_count(pcm)
        return self._new()

    def _new(self) -> list[Spotted]:
        """PocketSphinx lists all it found so far, and betters the last; a start tells them apart."""
        new: list[Spotted] = []
        for segment in self._decoder.seg() or ():
            phrase = self._names[segment.word.strip()]
            if (phrase, segment.start_frame) not in self._told:
                self._told.add((phrase, segment.start_frame))
                start, end = segment.start_frame * _FRAME_SAMPLES, segment.end_frame * _FRAME_SAMPLES
                new.append(Spotted(phrase, start, end, self.processed))
        return sorted(new, key=_place)


def _place(spotted: Spotted) -> tuple[int, int, str]:
    return spotted.end, spotted.start, spotted.phrase
