"""What is known of a meeting so far: results in, the state that is shown out."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from common.identity import Speaker
from common.results import Activity, Keyword, Mood, Result, Sentiment, Status, Transcript


class Clock(StrEnum):
    """The latencies that are measured; the value says from where to where."""

    ACTIVITY = "audio to activity"
    PARTIAL = "audio to partial caption"
    FINAL = "end of speech to final caption"
    KEYWORD = "end of phrase to keyword"


@dataclass(frozen=True, slots=True)
class Caption:
    """The text of an utterance as last reported; `stable` is the prefix that will not change."""

    utterance: str
    speaker: Speaker
    start_ms: int
    end_ms: int
    text: str
    stable: str
    status: Literal["partial", "final", "deferred", "lost"]

    @property
    def settled(self) -> bool:
        """Nothing better will come."""
        return self.status in {"final", "lost"}


@dataclass(slots=True)
class Board:
    """Grows with the meeting it shows, and no longer."""

    captions: dict[str, Caption] = field(default_factory=dict)
    keywords: list[Keyword] = field(default_factory=list)
    gaps: list[Status] = field(default_factory=list)
    moods: dict[Speaker, Mood] = field(default_factory=dict)
    meeting_mood: Mood | None = None
    counts: Counter[str] = field(default_factory=Counter)
    latencies: dict[Clock, list[int]] = field(default_factory=lambda: {clock: [] for clock in Clock})
    level: int = 0
    ended: bool = False
    _heard: dict[str, Speaker] = field(default_factory=dict)

    def take(self, result: Result) -> None:
        """Learn from one more result; they come in the order of their stream."""
        self.counts[result.type] += 1
        match result:
            case Activity():
                self._heard[result.utterance] = result.speaker
                self.latencies[Clock.ACTIVITY].append(result.latency_ms)
            case Transcript():
                self._take_transcript(result)
            case Keyword():
                self.keywords.append(result)
                self.latencies[Clock.KEYWORD].append(result.latency_ms)
            case Sentiment():
                self.moods[result.speaker] = result.mood
                self.meeting_mood = result.meeting_mood
            case Status():
                self._take_status(result)

    @property
    def utterances(self) -> set[str]:
        """All that were heard to begin."""
        return self._heard.keys() | self.captions.keys()

    @property
    def unsettled(self) -> set[str]:
        """Utterances whose last word is still to come."""
        return {name for name in self.utterances if name not in self.captions} | {
            name for name, caption in self.captions.items() if not caption.settled
        }

    def settled_by(self, result: Result) -> Caption | None:
        """The caption that a result just taken has settled."""
        if not isinstance(result, Transcript) or result.status == "partial":
            return None
        return self.captions[result.utterance]

    @property
    def forming(self) -> list[Caption]:
        """Captions that still change, in the order in which they began."""
        partials = [caption for caption in self.captions.values() if caption.status == "partial"]
        return sorted(partials, key=lambda caption: caption.start_ms)

    @property
    def speakers(self) -> list[Speaker]:
        """Who was heard, in the order of first appearance."""
        return list(dict.fromkeys(self._heard.values()))

    def _take_transcript(self, result: Transcript) -> None:
        self.counts[result.status] += 1
        self.level = result.level
        self._heard.setdefault(result.utterance, result.speaker)
        known = self.captions.get(result.utterance)
        if known is not None and known.settled:
            return
        self.captions[result.utterance] = Caption(
            result.utterance,
            result.speaker,
            result.start_ms,
            result.end_ms,
            result.text,
            result.stable,
            result.status,
        )
        if result.status == "partial":
            self.latencies[Clock.PARTIAL].append(result.latency_ms)
        elif result.status == "final" and not result.backfilled:
            self.latencies[Clock.FINAL].append(result.latency_ms)

    def _take_status(self, result: Status) -> None:
        match result.event:
            case "gap":
                self.gaps.append(result)
            case "level_changed":
                self.level = result.level
            case "meeting_ended":
                self.ended = True
