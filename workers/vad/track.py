"""One track: what is kept of it, where its takes begin, and what comes of each entry."""

from collections import deque
from collections.abc import Sequence

from common.audio import ms_to_samples
from common.messages import AudioChunk, SpeechChunk, TrackPause, UtteranceEnd
from common.stage import Effect, EntryId, Forget, Position
from workers.vad.effects import Occasion, passed_on, settled
from workers.vad.segmentation import Piece
from workers.vad.take import Setup, Take
from workers.vad.tape import Kept

_CONTINUATION = ms_to_samples(640)
"""Speech that resumes within a pre-roll and this behind a split may still continue the utterance."""


class TrackVad:
    """Turns the entries of a track into effects.

    A turn is `hear`, or `hear_again` while `restless`; then whoever decides lets `take` hear; then
    `conclude`.

    State follows from the entries kept unacknowledged. So a take begins with the first sample of
    an entry, and what comes before that entry is forgotten for good. Where a take ends, its last
    entries (silence) are heard again as the beginning of the next one: just what a new owner of
    the shard does with the pending entries. Effects of the second hearing have the position of
    the entry that occasioned it.
    """

    def __init__(self, setup: Setup, shard: int, first: AudioChunk) -> None:
        self._setup = setup
        self._shard = shard
        self._track = first.track
        self._end = 0
        self._again: deque[Kept] = deque()
        self._before_split: list[Kept] = []
        self._split_at: int | None = None
        self._pause: TrackPause = ""
        self._position = 0
        self._captured_ms = first.captured_ms
        self._utterance = (-1, "")
        self.take: Take | None = None

    @property
    def restless(self) -> bool:
        """There is audio to hear again before the next entry."""
        return bool(self._again)

    @property
    def over(self) -> bool:
        """Nothing will follow."""
        return self._pause == "end" and not self.restless

    def hear_again(self) -> None:
        """Begin a turn with audio of the take before."""
        self._hear(self._again.popleft())

    def hear(self, entry: EntryId, chunk: AudioChunk) -> list[Effect]:
        """Begin a turn with the next entry."""
        self._track, self._pause, self._captured_ms = chunk.track, chunk.pause, chunk.captured_ms
        kept = Kept.of(entry, chunk, heard=self._end if self.take else 0)
        # A pause without samples ends where the chunk before ended, and yet comes after it.
        self._position = 2 * max(kept.end, self._end) + bool(chunk.pause)
        if kept.end <= self._end or not chunk.pcm:
            return self._settled([kept])
        effects = self._mind_hole(chunk.offset)
        self._hear(kept)
        return effects

    def conclude(self) -> list[Effect]:
        """End a turn: what is passed on, and what is no longer needed."""
        effects = self._follow_take(self.take) if self.take else []
        if self._pause and not self._again:
            effects += self._finish(self._pause)
        if self.over:
            effects.append(Forget(self._shard, self._track.key))
        return effects

    def time_out(self, now_ms: int) -> list[Effect]:
        """The source sent nothing for too long. Between turns; the track may come back as a new one."""
        self._position, self._captured_ms = 2 * self._end + 1, now_ms
        return [*self._finish("timeout"), Forget(self._shard, self._track.key)]

    def _hear(self, kept: Kept) -> None:
        if self.take is None:
            self.take = Take(self._setup, kept.offset)
        self.take.hear(kept)
        self._end = max(self._end, kept.end)

    def _mind_hole(self, offset: int) -> list[Effect]:
        if self.take and offset > self._end:
            return self._finish("pause")
        if self._split_at not in (None, offset) and not self.take:
            return self._forget_split()
        return []

    def _follow_take(self, take: Take) -> list[Effect]:
        effects: list[Effect] = []
        piece = take.piece()
        if piece:
            effects += self._pass_on(take, piece)
        if piece and piece.closed == "split":
            self._before_split, self._split_at, self.take = take.tape.entries(), take.tape.end, None
        elif piece and piece.closed:
            effects += self._begin_again(take, piece.end)
        elif take.stale:
            effects += self._begin_again(take, 0)
        if (
            self._split_at is not None
            and self._end - self._split_at > self._setup.rules.preroll + _CONTINUATION
        ):
            effects += self._forget_split()
        return effects

    def _pass_on(self, take: Take, piece: Piece) -> list[Effect]:
        chunk = SpeechChunk(
            track=self._track,
            utterance=self._utterance_id(piece.start),
            start=piece.start,
            offset=piece.offset,
            voiced_end=piece.voiced_end,
            captured_ms=take.tape.captured_at(piece.end),
            pcm=take.tape.read(piece.offset, piece.end),
            closed=piece.closed,
            continues=piece.start == self._split_at,
        )
        on = Occasion(self._shard, Position(self._track.key, self._position), self._captured_ms)
        return [*passed_on(chunk, on), *self._forget_split()]

    def _utterance_id(self, start: int) -> str:
        if self._utterance[0] != start:
            self._utterance = (start, self._track.utterance_id(start))
        return self._utterance[1]

    def _begin_again(self, take: Take, not_before: int) -> list[Effect]:
        """Give up a take for a new one that begins with the warm-up, if that is silence."""
        kept = take.tape.cut(max(not_before, take.tape.end - self._setup.warm_up))
        self._again.extendleft(reversed(kept))
        self.take = None
        entries = take.tape.entries()
        return self._settled(entries[: len(entries) - len(kept)])

    def _finish(self, reason: UtteranceEnd) -> list[Effect]:
        """Close what is open, and keep nothing."""
        take, self.take = self.take, None
        if take is None:
            return self._forget_split()
        take.segmenter.close(reason)
        piece = take.segmenter.piece(take.tape.end)
        effects = self._pass_on(take, piece) if piece else self._forget_split()
        return [*effects, *self._settled(take.tape.entries())]

    def _forget_split(self) -> list[Effect]:
        """Let go of the entries that tell that an utterance was split, which only a first piece says."""
        before, self._before_split, self._split_at = self._before_split, [], None
        return self._settled(before)

    def _settled(self, kept: Sequence[Kept]) -> list[Effect]:
        return settled(kept, track=self._track, shard=self._shard)
