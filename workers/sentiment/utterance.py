"""An utterance while it is spoken: its sound so far, and the entries that hold it."""

from common.audio import samples_to_ms
from common.errors import InvalidMessage
from common.identity import Track
from common.messages import SpeechChunk
from common.stage import EntryId
from workers.sentiment.prosody import Contour, Prosody


class OpenUtterance:
    """Grows by speech chunks; its entries stay unacknowledged until its tone is out."""

    def __init__(self, first: SpeechChunk) -> None:
        self.track: Track = first.track
        self.id = first.utterance
        self.start_ms = samples_to_ms(first.start)
        self.end_ms = self.start_ms
        self.captured_ms = first.captured_ms
        self.heard_ms = 0
        self.entries: list[EntryId] = []
        self._contour = Contour()

    def feed(self, chunk: SpeechChunk, entry: EntryId, *, now_ms: int) -> None:
        """Take the piece that follows. Raises InvalidMessage for half a sample."""
        if len(chunk.pcm) % 2:
            raise InvalidMessage(f"speech chunk of {len(chunk.pcm)} bytes: want 2 a sample")
        self.entries.append(entry)
        self._contour.feed(chunk.pcm)
        self.end_ms = max(self.end_ms, samples_to_ms(chunk.voiced_end))
        self.captured_ms = chunk.voiced_end_captured_ms
        self.heard_ms = now_ms

    def prosody(self) -> Prosody | None:
        """The figures so far; None where there is too little sound."""
        return self._contour.prosody()
