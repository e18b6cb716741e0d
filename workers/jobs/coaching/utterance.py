"""An utterance of somebody who reads aloud: its audio, and its final text."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from common.messages import SpeechChunk
from common.results import Transcript
from common.stage import Acknowledge, EntryId


@dataclass(slots=True)
class Utterance:
    """Complete when it is closed and its final is here. `entries` stay pending until then."""

    touched_ms: int
    entries: list[EntryId] = field(default_factory=list)
    first: SpeechChunk | None = None
    captured_ms: int = 0
    pcm: bytearray = field(default_factory=bytearray)
    closed: bool = False
    final: Transcript | None = None

    def hear(self, entry: EntryId, chunk: SpeechChunk, now_ms: int) -> None:
        """Take the next piece."""
        self.first = self.first or chunk
        self.pcm += chunk.pcm
        self.captured_ms, self.closed = chunk.captured_ms, bool(chunk.closed)
        self.entries.append(entry)
        self.touched_ms = now_ms

    def read(self, entry: EntryId, final: Transcript, now_ms: int) -> None:
        """Take the text."""
        self.final = final
        self.entries.append(entry)
        self.touched_ms = now_ms

    @property
    def complete(self) -> bool:
        """Whether it can be judged."""
        return self.closed and self.final is not None

    def let_go(self) -> Iterator[Acknowledge]:
        """Nothing of it is needed any more."""
        yield from map(Acknowledge, self.entries)
