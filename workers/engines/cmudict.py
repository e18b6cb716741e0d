"""The CMU pronouncing dictionary that PocketSphinx ships."""

from bisect import bisect_left
from functools import lru_cache
from pathlib import Path

import numpy as np
import pocketsphinx

from common.errors import EngineError
from workers.engines.sphinx_model import Phones

_NEWLINE = ord("\n")
_DICTIONARY = "en-us/cmudict-en-us.dict"


class Pronunciations:
    """How words are said. Kept as text: 3 MB instead of 30."""

    def __init__(self) -> None:
        path = Path(pocketsphinx.get_model_path(_DICTIONARY))
        try:
            self._text = path.read_bytes()
        except OSError as error:
            raise EngineError(f"cannot read PocketSphinx's dictionary {path}: {error}") from error
        ends = np.flatnonzero(np.frombuffer(self._text, np.uint8) == _NEWLINE)
        self._lines = np.concatenate([[0], ends + 1]).astype(np.int32)
        self.of = lru_cache(maxsize=20_000)(self._look_up)

    def _look_up(self, word: str) -> tuple[Phones, ...]:
        """The ways to say a lower-case word; none where it is not in the dictionary."""
        found: list[Phones] = []
        wanted = word.encode()
        line = bisect_left(range(len(self._lines) - 1), wanted, key=self._word)
        while line < len(self._lines) - 1 and self._word(line) == wanted:
            found.append(tuple(self._line(line).decode().split()[1:]))
            line += 1
        return tuple(found)

    def _word(self, line: int) -> bytes:
        """What a line is about, and the lines sorted by: "the(2)" is another way to say "the"."""
        return self._line(line).partition(b" ")[0].partition(b"(")[0]

    def _line(self, line: int) -> bytes:
        return self._text[self._lines[line] : self._lines[line + 1]]
