"""What a final needs of the utterances before it on its track."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from common.audio import ms_to_samples
from common.stage import Acknowledge, Effect, EntryId, Forget
from workers.emitter.lead import Lead
from workers.emitter.utterance import Utterance
from workers.engines.speech import Hypothesis

_LEAD_S = 4.0
_LONGEST_PAUSE = ms_to_samples(2000)
_KEPT_MS = 10_000
"""What follows within the longest pause has come by then, unless the system is far behind."""
_REMEMBERED_MS = 60_000
"""For so long it is only remembered, which a new owner of the shard cannot."""


@dataclass(frozen=True, slots=True)
class _Told:
    """An utterance whose final is out, and that later ones may rest on."""

    key: str
    entries: tuple[EntryId, ...]
    samples: int


@dataclass(slots=True)
class _Track:
    told: deque[_Told] = field(default_factory=deque)
    lead: Lead | None = None
    end: int = 0
    told_ms: int = 0


class Past:
    """The end of what was said on each track, as left context of its next final.

    The windows of an utterance stay unacknowledged while they may serve so, and its watermark with
    them: a new owner of the shard hears them again, and so has the same left context. That ends
    when later utterances have taken their place, or some seconds after the final, unless the next
    one is being spoken.
    """

    def __init__(self) -> None:
        self._tracks: defaultdict[int, dict[str, _Track]] = defaultdict(dict)

    def lead(self, utterance: Utterance) -> Lead | None:
        """The left context of an utterance, if there is any."""
        track = self._tracks[utterance.shard].get(utterance.newest.track.key)
        if track is None or utterance.newest.start - track.end > _LONGEST_PAUSE:
            return None
        return track.lead

    @staticmethod
    def next_lead(utterance: Utterance, lead: Lead | None, heard: Hypothesis) -> Lead | None:
        """What the utterance after this one may begin with; none where word times are not known.

        It keeps the silence at its end: words that follow at once are misheard.
        """
        own = utterance.whole()
        before = lead or Lead(own[:0], (), utterance.frames_per_s)
        return before.then(own, heard.words).last(_LEAD_S)

    def tell(self, utterance: Utterance, lead: Lead | None, now_ms: int) -> Iterator[Effect]:
        """The final of an utterance is out, and `lead` is what the next one may begin with."""
        tracks, key = self._tracks[utterance.shard], utterance.newest.track.key
        track = tracks.setdefault(key, _Track())
        track.told.append(_Told(utterance.key, tuple(utterance.entries), utterance.samples))
        track.lead, track.end, track.told_ms = lead, utterance.newest.end, now_ms
        needed = 0 if lead is None else _fewest(track.told, _LEAD_S)
        while len(track.told) > needed:
            yield from _let_go(utterance.shard, track.told.popleft())

    def expire(self, now_ms: int, spoken: Collection[tuple[int, str]]) -> Iterator[Effect]:
        """Let go of what is too old to be followed, except on tracks (shard and key) that are `spoken`."""
        for shard, tracks in self._tracks.items():
            for key, track in list(tracks.items()):
                quiet_ms = 0 if (shard, key) in spoken else now_ms - track.told_ms
                if quiet_ms > _KEPT_MS:
                    for told in track.told:
                        yield from _let_go(shard, told)
                    track.told.clear()
                if quiet_ms > _REMEMBERED_MS:
                    del tracks[key]

    def release(self, shard: int) -> None:
        """Forget everything about a shard."""
        self._tracks.pop(shard, None)


def _fewest(told: deque[_Told], seconds: float) -> int:
    """How many of the last utterances hold so much audio."""
    left = ms_to_samples(round(seconds * 1000))
    for count, utterance in enumerate(reversed(told), 1):
        left -= utterance.samples
        if left <= 0:
            return count
    return len(told)


def _let_go(shard: int, told: _Told) -> Iterator[Effect]:
    yield from map(Acknowledge, told.entries)
    yield Forget(shard, told.key)
