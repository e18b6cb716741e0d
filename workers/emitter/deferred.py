"""Utterances that were put aside under load and have come back to be transcribed."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from common.messages import Window
from common.stage import EntryId

ROOM = 4
"""Utterances asked for at a time."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A whole utterance: its entry, its window, its frames, and when it came back (Unix time)."""

    entry: EntryId
    window: Window
    frames: NDArray[Any]
    since_ms: int

    @property
    def key(self) -> str:
        """Names it among all that is waiting."""
        return f"{self.entry.shard}/{self.entry.id}"


class Deferred:
    """Those that wait to be transcribed, by shard, and those that have to be given up.

    An utterance is given up where it is older than `most_age_ms`, and where nobody asked for it:
    then too much is kept.
    """

    def __init__(self, *, most_age_ms: int) -> None:
        self._most_age_ms = most_age_ms
        self._waiting: defaultdict[int, dict[str, Kept]] = defaultdict(dict)
        self._given_up: list[Kept] = []

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def __iter__(self) -> Iterator[Kept]:
        for waiting in self._waiting.values():
            yield from waiting.values()

    @property
    def room(self) -> int:
        """How many more should be asked for."""
        return max(0, ROOM - len(self))

    def take(self, kept: Kept, *, unasked: bool) -> None:
        """An utterance came back."""
        if unasked or kept.since_ms - kept.window.captured_ms > self._most_age_ms:
            self._given_up.append(kept)
        else:
            self._waiting[kept.entry.shard][kept.key] = kept

    def close(self, kept: Kept) -> None:
        """It is transcribed."""
        del self._waiting[kept.entry.shard][kept.key]

    def give_up(self) -> list[Kept]:
        """Those that are given up; each is told once."""
        given_up, self._given_up = self._given_up, []
        return given_up

    def release(self, shard: int) -> None:
        """Forget everything about a shard."""
        self._waiting.pop(shard, None)
        self._given_up = [kept for kept in self._given_up if kept.entry.shard != shard]
