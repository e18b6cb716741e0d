from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from overheard import MEETING, STARTED_MS, ends, says

from common.identity import Meeting
from common.results import Result
from common.stage import Acknowledge, Entry, EntryId, Stream
from workers.jobs.report.stage import LINGER_MS, SETTLE_MS, ReportStage


@dataclass
class Counter:
    """A desk that says what was ordered; `away`, it can take none."""

    orders: list[Meeting] = field(default_factory=list)
    away: bool = False

    def order(self, meetings: Sequence[Meeting]) -> bool:
        if not self.away:
            self.orders += meetings
        return not self.away


@dataclass
class Reader:
    """Gives a stage results one by one."""

    desk: Counter = field(default_factory=Counter)
    now_ms: int = STARTED_MS
    given: list[Entry] = field(default_factory=list)
    acknowledged: set[EntryId] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.stage = ReportStage(self.desk)

    def give(self, *results: Result) -> None:
        for result in results:
            entry = Entry(EntryId(0, Stream.RESULTS, f"{self.now_ms}-{len(self.given)}"), result)
            self.given.append(entry)
            self._call([entry])

    def wait(self, ms: int) -> None:
        self.now_ms += ms
        self._call([])

    def crash(self) -> None:
        self.stage = ReportStage(self.desk)
        self._call([entry for entry in self.given if entry.id not in self.acknowledged])

    def _call(self, entries: Sequence[Entry]) -> None:
        step = self.stage.process(entries, self.now_ms)
        self.acknowledged |= {e.entry for e in step.effects if isinstance(e, Acknowledge)}


SAID = says("Ann", 1, "Hello.")


def test_a_meeting_that_ended_gets_its_report_when_things_have_settled() -> None:
    reader = Reader()
    reader.give(SAID, ends(5), SAID)
    assert reader.desk.orders == []
    reader.wait(SETTLE_MS)
    assert reader.desk.orders == [MEETING]
    reader.wait(SETTLE_MS)
    assert reader.desk.orders == [MEETING]


def test_what_comes_after_the_end_has_it_built_again() -> None:
    reader = Reader()
    reader.give(ends(5))
    reader.wait(SETTLE_MS)
    reader.give(SAID, says("Bob", 2, "So"), replace(SAID, status="partial"))
    reader.wait(SETTLE_MS)
    assert reader.desk.orders == [MEETING, MEETING]


def test_a_text_backfilled_long_after_has_it_built_again() -> None:
    reader = Reader()
    reader.give(ends(5))
    reader.wait(SETTLE_MS)
    reader.wait(LINGER_MS + 1)
    assert len(reader.acknowledged) == 1
    reader.give(replace(SAID, backfilled=True))
    reader.wait(SETTLE_MS)
    assert reader.desk.orders == [MEETING, MEETING]


def test_a_live_meeting_orders_nothing() -> None:
    reader = Reader()
    reader.give(SAID, says("Bob", 2, "So"))
    reader.wait(SETTLE_MS)
    assert reader.desk.orders == []
    assert len(reader.acknowledged) == 2


def test_an_order_that_cannot_be_put_down_is_tried_again() -> None:
    reader = Reader()
    reader.desk.away = True
    reader.give(ends(5))
    reader.wait(SETTLE_MS)
    reader.desk.away = False
    reader.wait(100)
    assert reader.desk.orders == [MEETING]


def test_a_crash_before_the_order_loses_nothing() -> None:
    reader = Reader()
    reader.give(ends(5), SAID)
    reader.crash()
    reader.wait(SETTLE_MS)
    assert reader.desk.orders == [MEETING]
