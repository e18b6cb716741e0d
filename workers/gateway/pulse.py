"""What goes on in live meetings right now, told from the results as they pass by.

For a glance at many meetings: nothing here is read from Redis, and nothing is kept that the results
themselves don't say again soon. A gateway that has just started knows little for some seconds.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median_low
from typing import Any

import orjson

from common.identity import Meeting, Speaker
from common.streams.result_log import StoredResult

MEETINGS = 5_000
STRETCHES = 120
TALK_MS = 120_000
"""Of media: talk that was over so long before the last is not told."""
LATENCIES = 20
FORGOTTEN_STRETCH_MS = 60_000
"""Of media: speech whose end was never told is over by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Somebody's speech, in milliseconds since the start of the meeting; `end_ms` is null while it lasts."""

    speaker: Speaker
    start_ms: int
    end_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingPulse:
    """A meeting now. `level` and `latency_ms` (the median of the last live texts) are null before a text.

    `talk` has the stretches of speech of the last two minutes in the order they began; `text` is what
    was said last.
    """

    meeting: str
    level: int | None
    latency_ms: int | None
    talk: tuple[Stretch, ...]
    speaker: Speaker | None
    text: str


@dataclass(slots=True)
class _Beat:
    level: int | None = None
    speaker: Speaker | None = None
    text: str = ""
    latencies: deque[int] = field(default_factory=lambda: deque(maxlen=LATENCIES))
    talk: "OrderedDict[str, Stretch]" = field(default_factory=OrderedDict)

    def activity(self, result: dict[str, Any]) -> None:
        """Somebody begins or ends."""
        over = result["state"] == "silent"
        self.talk[result["utterance"]] = Stretch(
            speaker=_speaker(result), start_ms=result["start_ms"], end_ms=result["end_ms"] if over else None
        )
        if len(self.talk) > STRETCHES:
            self.talk.popitem(last=False)

    def transcript(self, result: dict[str, Any]) -> None:
        """A text as it forms; what was put aside and comes late says nothing about now."""
        if result["backfilled"]:
            return
        self.level = result["level"]
        self.latencies.append(result["latency_ms"])
        if result["text"]:
            self.speaker, self.text = _speaker(result), result["text"]

    def told(self, meeting: Meeting) -> MeetingPulse:
        """What to say of it."""
        return MeetingPulse(
            meeting=meeting.id,
            level=self.level,
            latency_ms=median_low(self.latencies) if self.latencies else None,
            talk=tuple(self._stretches()),
            speaker=self.speaker,
            text=self.text,
        )

    def _stretches(self) -> Iterable[Stretch]:
        newest = max((stretch.end_ms or stretch.start_ms for stretch in self.talk.values()), default=0)
        for stretch in self.talk.values():
            begun = newest - (FORGOTTEN_STRETCH_MS if stretch.end_ms is None else TALK_MS)
            if (stretch.end_ms or stretch.start_ms) > begun:
                yield stretch


class Pulse:
    """Of all meetings heard of since this process began; bounded, the quietest are forgotten."""

    def __init__(self) -> None:
        self._beats: OrderedDict[Meeting, _Beat] = OrderedDict()

    def take(self, results: Iterable[StoredResult]) -> None:
        """Learn from the next results, in the order of their stream."""
        for stored in results:
            if stored.type in _TOLD_BY:
                self._take(stored.meeting, orjson.loads(stored.data))

    def meetings(self, tenant: str) -> tuple[MeetingPulse, ...]:
        """The tenant's meetings that have not ended."""
        return self.of(meeting for meeting in self._beats if meeting.tenant == tenant)

    def of(self, meetings: Iterable[Meeting]) -> tuple[MeetingPulse, ...]:
        """Those of these meetings that have not ended."""
        return tuple(self._beats[meeting].told(meeting) for meeting in meetings if meeting in self._beats)

    def _take(self, meeting: Meeting, result: dict[str, Any]) -> None:
        if result.get("event") == "meeting_ended":
            self._beats.pop(meeting, None)
            return
        beat = self._beats.setdefault(meeting, _Beat())
        self._beats.move_to_end(meeting)
        if len(self._beats) > MEETINGS:
            self._beats.popitem(last=False)
        if result["type"] == "activity":
            beat.activity(result)
        elif result["type"] == "transcript":
            beat.transcript(result)
        elif result["event"] == "level_changed":
            beat.level = result["level"]


_TOLD_BY = frozenset({"activity", "transcript", "status"})


def _speaker(result: dict[str, Any]) -> Speaker:
    return Speaker(result["speaker"]["id"], result["speaker"]["name"])
