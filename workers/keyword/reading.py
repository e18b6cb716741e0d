"""Finds phrases in transcripts, and when they were said."""

from statistics import fmean

from common.results import Transcript
from workers.keyword.heard import Heard
from workers.keyword.matching import Match, Matcher
from workers.keyword.phrases import Phrase

ALIKE = 0.93
"""How alike a text alone must be to a phrase: its forms, homophones, little more."""
_BEFORE = 8  # words read again with new ones, since a phrase may have begun in them


class Reader:
    """Reads transcripts; of a partial one only what will not change."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher

    @property
    def phrases(self) -> tuple[Phrase, ...]:
        """All that it looks for."""
        return self._matcher.phrases

    def read(self, transcript: Transcript, words_read: int) -> list[Heard]:
        """The phrases in a transcript of which so many words were read before.

        A final text is read from its start.
        """
        final = transcript.status == "final"
        words = (transcript.text if final else transcript.stable).split()
        skipped = 0 if final else max(0, words_read - _BEFORE)
        if not final and len(words) <= words_read:
            return []
        return [_heard(transcript, match, skipped) for match in self._matcher.find(words[skipped:], ALIKE)]


def _heard(transcript: Transcript, match: Match, skipped: int) -> Heard:
    first, last = match.first + skipped, match.last + skipped
    count = len(transcript.text.split())
    if len(transcript.words) == count:
        words = transcript.words[first : last + 1]
        sure = fmean(word.probability for word in words)
        start_ms, end_ms = words[0].start_ms, words[-1].end_ms
    else:
        sure, length_ms = 1.0, transcript.end_ms - transcript.start_ms
        start_ms = transcript.start_ms + length_ms * first // count
        end_ms = transcript.start_ms + length_ms * (last + 1) // count
    return Heard(match.phrase, start_ms, end_ms, match.score * sure, "transcript")
