"""From the results of a meeting to its report. Speaker names and texts are made plain here, once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from common.audio import SAMPLES_PER_MS
from common.meeting_report import Heatmap, Moment, Participant, Report, Said
from common.plain import one_line
from common.results import Highlight, Result, Sentiment, Transcript
from common.streams.audio_log import MeetingRecord
from workers.jobs.highlights.sentences import sentences
from workers.jobs.report.summary import central_sentences

LEAST_SUMMARY, MOST_SUMMARY = 3, 9
SENTENCES_A_PICK = 12
CELLS = 60
CELLS_MS = [s * 1000 for s in (5, 10, 15, 20, 30, 60, 120, 300, 600, 1800)]
"""The lengths that a cell may have, which make times that people read with ease."""


class Gathering:
    """Takes the results of a meeting in the order of the stream."""

    def __init__(self) -> None:
        self._finals: dict[str, Transcript] = {}
        self._without_text: set[str] = set()
        self._sentiments: dict[str, Sentiment] = {}
        self._highlights: dict[str, Highlight] = {}

    def add(self, result: Result) -> None:
        """What has an id that is known already came twice."""
        match result:
            case Transcript(status="final"):
                self._finals[result.utterance] = result
            case Transcript(status="deferred" | "lost"):
                self._without_text.add(result.utterance)
            case Sentiment():
                self._sentiments[result.id] = result
            case Highlight():
                self._highlights[result.id] = result
            case _:
                pass

    def report(self, record: MeetingRecord, *, as_of: str) -> Report:
        """What all that comes to."""
        finals = sorted(self._finals.values(), key=lambda said: (said.start_ms, said.end_ms, said.id))
        moods = sorted(self._sentiments.values(), key=lambda mood: (mood.start_ms, mood.id))
        heard_ms = max(record.ends.values(), default=0) // SAMPLES_PER_MS
        participants = _participants(finals, moods)
        duration_ms = max([heard_ms, *(said.end_ms for said in finals)])
        return Report(
            meeting=record.meeting.id,
            started_at_ms=record.started_at_ms,
            duration_ms=duration_ms,
            ended=record.ended,
            coverage=round(record.coverage, 4),
            as_of=as_of,
            untranscribed=len(self._without_text - self._finals.keys()),
            summary=summary_of(finals),
            highlights=_moments(self._highlights.values()),
            participants=participants,
            heatmap=heatmap_of(moods, [one.name for one in participants], duration_ms),
            transcript=turns(finals),
        )


def name_of(result: Result) -> str:
    """How a speaker is called, on one line."""
    return one_line(result.speaker.name) or one_line(result.speaker.id) or "Unknown speaker"


def summary_of(finals: Sequence[Transcript]) -> tuple[Said, ...]:
    """The sentences that sum the meeting up, in order of time."""
    spoken = [
        Said(part.start_ms, name_of(said), one_line(part.text)) for said in finals for part in sentences(said)
    ]
    count = min(MOST_SUMMARY, max(LEAST_SUMMARY, len(spoken) // SENTENCES_A_PICK))
    chosen = central_sentences([one.text for one in spoken], count)
    return tuple(spoken[index] for index in chosen)


def turns(finals: Iterable[Transcript]) -> tuple[Said, ...]:
    """The transcript: successive utterances of a speaker make one turn."""
    spoken = [said for said in finals if one_line(said.text)]
    grouped = groupby(spoken, key=lambda said: (said.track, name_of(said)))
    found = []
    for (_, name), group in grouped:
        lines = list(group)
        found.append(Said(lines[0].start_ms, name, " ".join(one_line(said.text) for said in lines)))
    return tuple(found)


def heatmap_of(moods: Sequence[Sentiment], names: Sequence[str], duration_ms: int) -> Heatmap:
    """A row for each of the names: the mean in a cell, weighted by how much of an utterance lies in it."""
    cell_ms = next((ms for ms in CELLS_MS if duration_ms <= ms * CELLS), -(-duration_ms // CELLS))
    cells = max(1, -(-duration_ms // cell_ms))
    return Heatmap(
        cell_ms,
        polarity={name: _cells(_polarities(moods, name), cell_ms, cells) for name in names},
        arousal={name: _cells(_arousals(moods, name), cell_ms, cells) for name in names},
    )


_Value = tuple[int, int, float]


def _polarities(moods: Iterable[Sentiment], name: str) -> list[_Value]:
    return [(m.start_ms, m.end_ms, m.polarity) for m in moods if m.source == "text" and name_of(m) == name]


def _arousals(moods: Iterable[Sentiment], name: str) -> list[_Value]:
    return [(m.start_ms, m.end_ms, m.arousal) for m in moods if m.source == "tone" and name_of(m) == name]


def _cells(values: Iterable[_Value], cell_ms: int, cells: int) -> tuple[float | None, ...]:
    sums: defaultdict[int, float] = defaultdict(float)
    weights: defaultdict[int, int] = defaultdict(int)
    for start_ms, end_ms, value in values:
        for cell in range(start_ms // cell_ms, min(cells, -(-max(end_ms, start_ms + 1) // cell_ms))):
            within_ms = min(end_ms, (cell + 1) * cell_ms) - max(start_ms, cell * cell_ms)
            sums[cell] += value * max(1, within_ms)
            weights[cell] += max(1, within_ms)
    return tuple(round(sums[cell] / weights[cell], 3) if cell in weights else None for cell in range(cells))


def _mean(values: Iterable[_Value]) -> float | None:
    weighted = [(max(1, end_ms - start_ms), value) for start_ms, end_ms, value in values]
    total = sum(weight for weight, _ in weighted)
    return round(sum(weight * value for weight, value in weighted) / total, 3) if total else None


def _participants(finals: Sequence[Transcript], moods: Sequence[Sentiment]) -> tuple[Participant, ...]:
    """Speakers, who talked longest first."""
    talk_ms: defaultdict[str, int] = defaultdict(int)
    words: defaultdict[str, int] = defaultdict(int)
    for said in finals:
        talk_ms[name_of(said)] += said.end_ms - said.start_ms
        words[name_of(said)] += len(said.text.split())
    found = [_participant(name, talk_ms, words[name], moods) for name in talk_ms]
    return tuple(sorted(found, key=lambda one: (-one.talk_ms, one.name)))


def _participant(
    name: str, talk_ms: Mapping[str, int], words: int, moods: Sequence[Sentiment]
) -> Participant:
    return Participant(
        name,
        talk_ms[name],
        share=round(talk_ms[name] / max(1, sum(talk_ms.values())), 4),
        words=words,
        polarity=_mean(_polarities(moods, name)),
        arousal=_mean(_arousals(moods, name)),
    )


def _moments(highlights: Iterable[Highlight]) -> tuple[Moment, ...]:
    ordered = sorted(highlights, key=lambda one: (one.start_ms, one.end_ms, one.id))
    return tuple(
        Moment(
            one.kind, one.start_ms, name_of(one), one_line(one.text), one_line(one.owner), one_line(one.due)
        )
        for one in ordered
    )
