"""What stands in a report, whatever it is written as. Times are milliseconds since the first sample."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

HighlightKind = Literal["action_item", "decision", "question", "strong_moment"]


@dataclass(frozen=True, slots=True)
class Said:
    """Something a speaker said."""

    start_ms: int
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A highlight; owner and due are those of an action item."""

    kind: HighlightKind
    start_ms: int
    speaker: str
    text: str
    owner: str
    due: str


@dataclass(frozen=True, slots=True)
class Participant:
    """A speaker; `share` is that of all talk time. Moods are null where nothing told them."""

    name: str
    talk_ms: int
    share: float
    words: int
    polarity: float | None
    arousal: float | None


@dataclass(frozen=True, slots=True)
class Heatmap:
    """Moods by speaker over time, in cells of `cell_ms` from the start; null where nobody spoke."""

    cell_ms: int
    polarity: Mapping[str, tuple[float | None, ...]]
    arousal: Mapping[str, tuple[float | None, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The report of a meeting, or of its beginning if it has not `ended`.

    `as_of` is the position in the results up to which they are in it; `untranscribed` counts the
    utterances without a text. `started_at_ms` is Unix time.
    """

    meeting: str
    started_at_ms: int
    duration_ms: int
    ended: bool
    coverage: float
    as_of: str
    untranscribed: int
    summary: tuple[Said, ...]
    highlights: tuple[Moment, ...]
    participants: tuple[Participant, ...]
    heatmap: Heatmap
    transcript: tuple[Said, ...]

    def moments(self, kind: HighlightKind) -> tuple[Moment, ...]:
        """The highlights of a kind, in order of time."""
        return tuple(moment for moment in self.highlights if moment.kind == kind)
