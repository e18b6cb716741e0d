"""Whether a disturbed meeting came out as an undisturbed one: decided from their results alone."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from common.results import Activity, Keyword, Result, Sentiment, Status, Transcript
from common.streams.audio_log import MeetingRecord

Fact = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of a meeting in the end."""

    record: MeetingRecord
    results: Sequence[Result]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong, by kind; each list is empty where nothing is."""

    lost: Sequence[str] = ()
    doubled: Sequence[str] = ()
    disordered: Sequence[str] = ()
    different: Sequence[str] = ()
    left_over: Sequence[str] = ()

    @property
    def faultless(self) -> bool:
        """Nothing is wrong."""
        return not any(self.by_kind().values())

    def by_kind(self) -> Mapping[str, Sequence[str]]:
        """Each kind of trouble and what there is of it."""
        return {
            "lost": self.lost,
            "doubled": self.doubled,
            "disordered": self.disordered,
            "different": self.different,
            "left over": self.left_over,
        }


@dataclass(slots=True)
class Findings:
    """Troubles as they are found."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)


def judge(whole: Outcome, disturbed: Outcome, left_over: Sequence[str] = ()) -> Verdict:
    """Compare a meeting with an undisturbed one of the same audio."""
    found = Findings()
    compare_facts(facts_of(whole.results), facts_of(disturbed.results), found)
    find_within(disturbed, found)
    _compare_audio(whole.record, disturbed.record, found)
    return Verdict(found.lost, found.doubled, found.disordered, found.different, left_over)


def find_within(outcome: Outcome, found: Findings) -> None:
    """What is wrong with a meeting whatever was said in it."""
    _find_doubles(outcome.results, found)
    _find_disorder(outcome.results, found)
    found.lost += [f"gap: {r.reason}" for r in outcome.results if isinstance(r, Status) and r.event == "gap"]
    if outcome.record.coverage != 1.0:
        found.lost.append(f"coverage {outcome.record.coverage}")


def facts_of(results: Iterable[Result]) -> Mapping[Fact, Fact]:
    """What must be there once, by what names it, with what it must say. Partials may be skipped."""
    named = [_fact(result) for result in results]
    return {name: says for name, says in named if name}


def _fact(result: Result) -> tuple[Fact, Fact]:
    match result:
        case Transcript(status="partial"):
            return (), ()
        case Transcript():
            words = tuple((word.text, word.start_ms) for word in result.words)
            return ("transcript", result.track, result.start_ms, result.status), (
                result.text,
                result.end_ms,
                words,
            )
        case Keyword():
            utterance = result.utterance.rsplit("-", 1)[-1]
            return ("keyword", result.track, utterance, result.phrase), ()
        case Activity():
            return ("activity", result.track, result.start_ms, result.state), (result.end_ms,)
        case Sentiment():
            says = (result.polarity, result.arousal, result.tone)
            return ("sentiment", result.track, result.start_ms, result.source), says
    return (), ()


def compare_facts(whole: Mapping[Fact, Fact], disturbed: Mapping[Fact, Fact], found: Findings) -> None:
    """What is missing, what differs, and what the whole does not have."""
    for name, says in whole.items():
        if name not in disturbed:
            found.lost.append(f"{name}: {says}")
        elif disturbed[name] != says:
            found.different.append(f"{name}: {disturbed[name]} instead of {says}")
    found.different += [f"{name}: unheard of" for name in disturbed if name not in whole]


def _find_doubles(results: Sequence[Result], found: Findings) -> None:
    """A status may appear twice when Redis fails in the middle of a write (docs/results.md)."""
    seen = Counter(result.id for result in results if not isinstance(result, Status))
    found.doubled += [f"{count} times {name}" for name, count in seen.items() if count > 1]


def _find_disorder(results: Sequence[Result], found: Findings) -> None:
    reached: dict[tuple[str, str], int] = {}
    final: set[str] = set()
    for result in results:
        if isinstance(result, Transcript) and result.utterance in final:
            found.disordered.append(f"{result.id} after its final")
        if isinstance(result, Transcript) and result.status == "final":
            final.add(result.utterance)
        kind = _ordered_kind(result)
        if kind and result.start_ms < reached.get((result.track, kind), 0):
            found.disordered.append(f"{result.id} at {result.start_ms} after {reached[result.track, kind]}")
        if kind:
            reached[result.track, kind] = result.start_ms


def _ordered_kind(result: Result) -> str:
    match result:
        case Transcript(status="final", backfilled=False):
            return "final"
        case Activity():
            return "activity"
        case Sentiment():
            return result.source
    return ""


def _compare_audio(whole: MeetingRecord, disturbed: MeetingRecord, found: Findings) -> None:
    """To the sample."""
    for name in ("captured_samples", "heard_samples", "speech_samples", "transcribed_samples"):
        wanted, there = whole.counters.get(name, 0), disturbed.counters.get(name, 0)
        if there < wanted:
            found.lost.append(f"{name}: {there} of {wanted}")
        elif there > wanted:
            found.doubled.append(f"{name}: {there} instead of {wanted}")
    if disturbed.ends != whole.ends:
        found.different.append(f"tracks end at {disturbed.ends} instead of {whole.ends}")
