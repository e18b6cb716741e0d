"""Who is speaking, sample by sample, in a mixed stream whose messages name the loudest speaker."""

from collections import deque

from common.identity import Speaker

NOBODY = Speaker("NoSpeaker", "NoSpeaker")


class Labels:
    """Spans of one speaker each, on the meeting's timeline.

    Audio that names nobody belongs to the speaker before for up to `hangover` samples (real audio
    lets an utterance end by its own silence), and to NOBODY after that.
    """

    def __init__(self, hangover: int) -> None:
        self._hangover = hangover
        self._last: Speaker | None = None
        self._unnamed = 0
        self._spans: deque[tuple[Speaker, int]] = deque()

    def mark(self, speaker: Speaker | None, start: int, end: int) -> None:
        """The samples from `start` to `end` are labelled so; marks come in order."""
        if speaker is not None:
            self._last, self._unnamed = speaker, 0
            self._spans.append((speaker, end))
            return
        kept = max(0, self._hangover - self._unnamed) if self._last is not None else 0
        self._unnamed += end - start
        if self._last is not None and kept:
            self._spans.append((self._last, min(end, start + kept)))
        if start + kept < end:
            self._spans.append((NOBODY, end))

    def cut(self, start: int, end: int) -> list[tuple[Speaker, int]]:
        """The speakers of the samples from `start` to `end`, each with its end. Goes forward only."""
        pieces = []
        while start < end and self._spans:
            speaker, until = self._spans[0]
            if until <= start and len(self._spans) > 1:
                self._spans.popleft()
                continue
            stop = min(until, end) if len(self._spans) > 1 else end
            pieces.append((speaker, stop))
            start = stop
        return pieces
