"""What is remembered of a track: its latest results, which are also what a restart restores it from.

Each remembered result stands on the stream `results` and stays unacknowledged until newer ones
supersede it, so whoever takes the shard over reads it again. See
docs/decisions/sentiment-memory.md.
"""

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
    """The last results of one source, oldest first: those back from the stream, then those under way."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: list[Remembered] = []

    def __iter__(self) -> Iterator[Sentiment]:
        return (item.result for item in self._items)

    def emitted(self, result: Sentiment) -> list[EntryId]:
        """Remember what is being appended now; returns the entries it supersedes."""
        self._items.append(Remembered(result, None))
        return self._supersede()

    def returned(self, result: Sentiment, entry: EntryId) -> list[EntryId]:
        """Learn where a result stands, be it ours or a former owner's; returns what is superseded.

        Results come back in the order of their emission, so an unknown one is newer than all
        that came back and older than all under way.
        """
        for item in self._items:
            if item.result.id == result.id:
                item.entry = entry
                return []
        back = sum(item.entry is not None for item in self._items)
        self._items.insert(back, Remembered(result, entry))
        return self._supersede()

    def entries(self) -> list[EntryId]:
        """All that is held unacknowledged."""
        return _known(self._items)

    def _supersede(self) -> list[EntryId]:
        excess = max(0, len(self._items) - self._limit)
        dropped, self._items = self._items[:excess], self._items[excess:]
        return _known(dropped)


class TrackMemory:
    """The latest tones and texts of a track; `over` says that no more are expected."""

    def __init__(self, limit: int) -> None:
        self.over = False
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
        return any(known.id == result.id for known in self)

    def touch(self, now_ms: int) -> None:
        """Something was heard of the track."""
        self.touched_ms = max(self.touched_ms, now_ms)

    def entries(self) -> list[EntryId]:
        """All that is held unacknowledged."""
        return [*self._tones.entries(), *self._texts.entries()]

    def _of(self, result: Sentiment) -> Recent:
        return self._tones if result.source == "tone" else self._texts


def _known(items: Iterable[Remembered]) -> list[EntryId]:
    return [item.entry for item in items if item.entry is not None]
