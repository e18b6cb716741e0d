"""Whether every round of a meeting that repeats its audio came out alike: the judge of long runs.

The first round has another past than the others, so the second is what the later ones are compared
with; nothing may disturb those two. What a speaker's past decides (how a tone compares with those
before) is left out, and the wording is looked at apart: it may differ where a shard was taken over
(docs/chaos.md).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from common.audio import SAMPLES_PER_MS
from common.results import Keyword, Result, Sentiment, Transcript
from tests.chaos.verdict import Fact, Findings, Outcome, Verdict, compare_facts, facts_of, find_within

UNDISTURBED = 2
"""Rounds at the beginning that everything else is compared with."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """How often, every how many milliseconds, of which the last few are a pause."""

    count: int
    period_ms: int
    pause_ms: int

    def of(self, start_ms: int) -> int:
        """Which round: an utterance may begin a little before what is said in it."""
        return min(self.count - 1, (start_ms + self.pause_ms // 2) // self.period_ms)


@dataclass(frozen=True, slots=True)
class Wording:
    """Of how many finals of disturbed rounds the words are others than in the undisturbed one."""

    finals: int
    other: int

    def __str__(self) -> str:
        return f"{self.other} of {self.finals} finals have other words than the undisturbed ones"


def compare_wording(outcome: Outcome, rounds: Rounds) -> Wording:
    """Look at the words alone, not at when each was said."""
    texts: dict[int, dict[int, str]] = defaultdict(dict)
    for result in outcome.results:
        if isinstance(result, Transcript) and result.status == "final":
            number = rounds.of(result.start_ms)
            texts[number][result.start_ms - number * rounds.period_ms] = result.text
    wanted = texts[UNDISTURBED - 1]
    later = [(at, text) for number in range(UNDISTURBED, rounds.count) for at, text in texts[number].items()]
    return Wording(len(later), sum(wanted.get(at, text) != text for at, text in later))


def judge_rounds(outcome: Outcome, rounds: Rounds) -> Verdict:
    """Compare the rounds of one meeting, and account for its samples."""
    found = Findings()
    find_within(outcome, found)
    by_round = _by_round(outcome.results, rounds)
    wanted = by_round[UNDISTURBED - 1]
    for number in range(UNDISTURBED, rounds.count):
        own = Findings()
        compare_facts(wanted, by_round.get(number, {}), own)
        found.lost += [f"round {number}: {what}" for what in own.lost]
        found.different += [f"round {number}: {what}" for what in own.different]
    _account(outcome.record.counters, rounds, found)
    return Verdict(found.lost, found.doubled, found.disordered, found.different)


def _by_round(results: Iterable[Result], rounds: Rounds) -> Mapping[int, Mapping[Fact, Fact]]:
    sorted_: dict[int, list[Result]] = defaultdict(list)
    for result in results:
        number = rounds.of(result.start_ms)
        sorted_[number].append(_moved(result, number * rounds.period_ms))
    return {number: facts_of(of_round) for number, of_round in sorted_.items()}


def _moved(result: Result, by_ms: int) -> Result:
    """The same so much earlier, as far as facts are concerned."""
    moved = replace(result, start_ms=result.start_ms - by_ms, end_ms=result.end_ms - by_ms)
    match moved:
        case Transcript():
            return replace(moved, text="", words=())
        case Keyword():
            head, _, offset = moved.utterance.rpartition("-")
            return replace(moved, utterance=f"{head}-{int(offset) - by_ms * SAMPLES_PER_MS}")
        case Sentiment():
            tone = moved.tone and replace(moved.tone, pitch_z=0.0, energy_z=0.0, rate_z=0.0)
            return replace(moved, polarity=0.0, arousal=0.0, tone=tone)
    return moved


def _account(counters: Mapping[str, int], rounds: Rounds, found: Findings) -> None:
    """All samples that were played were captured and heard; all speech has its final."""
    played = rounds.count * rounds.period_ms * SAMPLES_PER_MS
    speech = counters.get("speech_samples", 0)
    wanted = {"captured_samples": played, "heard_samples": played, "transcribed_samples": speech}
    for name, count in wanted.items():
        there = counters.get(name, 0)
        if there < count:
            found.lost.append(f"{name}: {there} of {count}")
        elif there > count:
            found.doubled.append(f"{name}: {there} instead of {count}")
