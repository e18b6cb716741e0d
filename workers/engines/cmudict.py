"""The CMU pronouncing dictionary that PocketSphinx ships."""

from functools import lru_cache
from pathlib import Path

import pocketsphinx

from common.errors import EngineError
from workers.engines.sphinx_model import Phones

_DICTIONARY = "en-us/cmudict-en-us.dict"


class Pronunciations:
    """How words are said. Kept as text: 3 MB instead of 30."""

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
