"""The judge of chaos runs: what it must notice."""

from dataclasses import replace

import pytest

from common.identity import Meeting, Speaker
from common.results import Activity, Keyword, Result, Status, Transcript
from common.streams.audio_log import MeetingRecord
from tests.chaos.verdict import Outcome, judge

ANN = Speaker("ann", "Ann")
COUNTERS = {
    "captured_samples": 64_000,
    "heard_samples": 64_000,
    "speech_samples": 32_000,
    "transcribed_samples": 32_000,
}
RECORD = MeetingRecord(Meeting("default", "m"), 1_000, 5_000, {"ann": 64_000}, COUNTERS)


def common(name: str, start_ms: int) -> dict[str, object]:
    place = {"id": name, "tenant": "default", "meeting": "m", "track": "ann", "speaker": ANN}
    return {**place, "start_ms": start_ms, "end_ms": start_ms + 500}


def final(start_ms: int, text: str = "hello") -> Transcript:
    name = f"u-{start_ms}"
    fields = common(f"{name}/final", start_ms)
    return Transcript(**fields, utterance=name, status="final", text=text, stable=text)  # type: ignore[arg-type]  # as common says


def silent(start_ms: int) -> Activity:
    return Activity(**common(f"u-{start_ms}/silent", start_ms), state="silent", utterance=f"u-{start_ms}")  # type: ignore[arg-type]  # as common says


KEYWORD = Keyword(
    **common("u-0/next", 0),  # type: ignore[arg-type]  # as common says
    utterance="u-0",
    phrase="next",
    category="c",
    source="acoustic",
    score=0.5,
)
WHOLE: list[Result] = [silent(0), final(0), KEYWORD, silent(1_000), final(1_000, "again")]


def kinds(results: list[Result], record: MeetingRecord = RECORD) -> set[str]:
    verdict = judge(Outcome(RECORD, WHOLE), Outcome(record, results))
    return {kind for kind, found in verdict.by_kind().items() if found}


def test_the_same_again_is_faultless() -> None:
    assert kinds(WHOLE) == set()


def test_a_phrase_may_be_found_in_the_audio_or_in_the_text() -> None:
    assert kinds([replace(KEYWORD, source="transcript") if r is KEYWORD else r for r in WHOLE]) == set()


@pytest.mark.parametrize("missing", range(len(WHOLE)))
def test_whatever_is_missing_is_lost(missing: int) -> None:
    assert kinds([result for i, result in enumerate(WHOLE) if i != missing]) == {"lost"}


@pytest.mark.parametrize("twice", range(len(WHOLE)))
def test_whatever_is_there_twice_is_doubled(twice: int) -> None:
    assert "doubled" in kinds([*WHOLE[: twice + 1], *WHOLE[twice:]])


def test_finals_in_another_order_are_noticed() -> None:
    assert "disordered" in kinds([silent(0), silent(1_000), KEYWORD, final(1_000, "again"), final(0)])


def test_a_partial_after_its_final_is_out_of_order() -> None:
    late = replace(final(1_000), id="u-1000/late", status="partial")
    assert kinds([*WHOLE, late]) == {"disordered"}


def test_another_text_is_noticed() -> None:
    assert kinds([*WHOLE[:-1], final(1_000, "a gain")]) == {"different"}


def test_what_an_undisturbed_run_does_not_have_is_noticed() -> None:
    assert kinds([*WHOLE, silent(2_000)]) == {"different"}


def test_a_gap_is_a_loss() -> None:
    gap = Status(**common("gap", 0), event="gap", reason="why")  # type: ignore[arg-type]  # as common says
    assert kinds([*WHOLE, gap]) == {"lost"}


@pytest.mark.parametrize("counter", COUNTERS)
@pytest.mark.parametrize(("by", "kind"), [(-1, "lost"), (1, "doubled")])
def test_one_sample_is_noticed(counter: str, by: int, kind: str) -> None:
    record = replace(RECORD, counters={**COUNTERS, counter: COUNTERS[counter] + by})
    assert kind in kinds(WHOLE, record)
