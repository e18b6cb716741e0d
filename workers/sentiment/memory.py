"""What is remembered of a track: its latest results, which are also what a restart restores it from.

Each remembered result stands on the stream `results` and stays unacknowledged until newer ones
supersede it, so whoever takes the shard over reads it again. See
docs/decisions/sentiment-memory.md.
"""

from bisect import insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from common.results import Sentiment, Tone
from common.stage import EntryId


@dataclass(slots=True)
class Remembered:
    """A result, and where it stands; None while it is on its way to the stream and back."""

    result: Sentiment
    entry: EntryId | None


class Recent:
    """The last results of one source by when they were said, whenever they came: earliest first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: list[Remembered] = []
        self._gone: set[str] = set()

    def __iter__(self) -> Iterator[Sentiment]:
        return (item.result for item in self._items)

    def emitted(self, result: Sentiment) -> list[EntryId]:
        """Remember what is being appended now; returns the entries it supersedes."""
        return self._insert(Remembered(result, None))

    def returned(self, result: Sentiment, entry: EntryId) -> list[EntryId]:
        """Learn where a result stands, be it ours or a former owner's; returns what is superseded."""
        if result.id in self._gone:
            self._gone.remove(result.id)
            return [entry]
        for item in self._items:
            if item.result.id == result.id:
                item.entry = entry
                return []
        return self._insert(Remembered(result, entry))

    def knows(self, result: Sentiment) -> bool:
        """Whether it is remembered, or was superseded on its way to the stream and back."""
        return result.id in self._gone or any(known.id == result.id for known in self)

    def entries(self) -> list[EntryId]:
        """All that is held unacknowledged."""
        return _known(self._items)

    def _insert(self, item: Remembered) -> list[EntryId]:
        insort(self._items, item, key=_said)
        excess = max(0, len(self._items) - self._limit)
        dropped, self._items = self._items[:excess], self._items[excess:]
        self._gone.update(item.result.id for item in dropped if item.entry is None)
        return _known(dropped)


class TrackMemory:
    """The latest tones and texts of a track.

    `over` says that no more are expected, but for the texts of the `deferred` utterances.
    """

    def __init__(self, limit: int) -> None:
        self.over = False
        self.deferred: set[str] = set()
        self.touched_ms = 0
        self._tones = Recent(limit)
        self._texts = Recent(limit)

    def __iter__(self) -> Iterator[Sentiment]:
        yield from self._tones
        yield from self._texts

    def tones(self) -> list[Tone]:
        """How the speaker sounded lately, oldest first."""
        return [result.tone for result in self._tones if result.tone is not None]

    def emitted(self, result: Sentiment) -> list[EntryId]:
        """Remember what is being appended now; returns the entries it supersedes."""
        return self._of(result).emitted(result)

    def returned(self, result: Sentiment, entry: EntryId) -> list[EntryId]:
        """Learn where a result stands; returns the entries that are superseded."""
        return self._of(result).returned(result, entry)

    def knows(self, result: Sentiment) -> bool:
        """Whether a result is among those remembered."""
        return self._of(result).knows(result)

    def touch(self, now_ms: int) -> None:
        """Something was heard of the track."""
        self.touched_ms = max(self.touched_ms, now_ms)

    def entries(self) -> list[EntryId]:
        """All that is held unacknowledged."""
        return [*self._tones.entries(), *self._texts.entries()]

    def _of(self, result: Sentiment) -> Recent:
        return self._tones if result.source == "tone" else self._texts


def _said(item: Remembered) -> tuple[int, str]:
    return item.result.end_ms, item.result.id


def _known(items: Iterable[Remembered]) -> list[EntryId]:
    return [item.entry for item in items if item.entry is not None]
