"""The stage loop: commit, wait, read, process. The only one there is.

For each shard it owns, the loop first reads what the former owner left pending, from the start,
then what is new. It has a thread of its own and blocks in it: handing every batch from an event
loop to a thread and back costs more than most stages do. What a call of the stage brought is
committed in the round trip that waits for the next entries, except where it rests a moment before.

A shard whose server does not answer, or is another one than before, is begun again from what the
server has, as a new owner would; the others go on.

When a call of the stage raises, the shards it was given are replayed one entry at a time, until
the entry is known that the stage cannot take. After three tries that entry is put aside as a
dead letter and the shard goes on.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import structlog

from common import metrics
from common.clock import SteadyClock, unix_ms
from common.commit import Bury, build_commits
from common.intake import Batch, Intake, Outlook
from common.membership import Membership
from common.ownership import Ownership
from common.pace import Pace
from common.shelves import Place, ShelfBounds
from common.stage import ON_REQUEST, Effect, Entry, EntryFailed, EntryId, Stage, Step, Stream
from common.streams.client import PASSING
from common.streams.fenced import Exchange, FencedShards, RawEntry, ShardCommit, Verdict
from common.topology import GATHER_S, UNHURRIED

TICK_MS = 100
REST_S = 0.02
UPKEEP_S = 1.0
TRIES = 3
RETRY_S = 0.1
NOTHING: Mapping[Place, Sequence[RawEntry]] = {}


class Halted(Exception):
    """The process ends without waiting for Redis."""


class StageLoop:
    """Drives one stage; `ownership` brings the shards.

    `backlog_limit` bounds the `outputs`, `shelf_bounds` what the stage reads on request only.
    """

    def __init__(
        self,
        stage: Stage,
        shards: FencedShards,
        *,
        outputs: Sequence[Stream],
        backlog_limit: int,
        shelf_bounds: ShelfBounds,
    ) -> None:
        self._stage = stage
        self._shards = shards
        self._intake = Intake(shards, shelf_bounds)
        # What is put aside has bounds of its own, and waits for quieter times.
        self._outputs = tuple(stream for stream in outputs if stream not in ON_REQUEST)
        self._backlog_limit = backlog_limit
        self._failures: Counter[EntryId] = Counter()
        self._idle_failures = 0
        self._called_at = self._kept_up_at = 0.0
        self._stalled = False
        self._pace = Pace(GATHER_S.get(stage.name, REST_S), hurried=stage.name not in UNHURRIED)
        self._clock = SteadyClock()
        self.turned_at = time.monotonic()
        self._in_hand: Sequence[Effect | Bury] = ()
        self._halted = threading.Event()
        self._log = structlog.get_logger(stage=stage.name)
        self.ownership = Ownership(shards, stage.inputs, stage.release)

    async def run(self, membership: Membership, draining: asyncio.Event) -> None:
        """Work until `draining`, then commit what is in hand; when cancelled, stop without that."""
        work = asyncio.ensure_future(asyncio.to_thread(self._work, membership, draining))
        try:
            await asyncio.shield(work)
        finally:
            self._halted.set()
            await asyncio.wait({work})

    def _work(self, membership: Membership, draining: asyncio.Event) -> None:
        step = Step()
        try:
            while not draining.is_set():
                step = self._turn(step, membership)
            self._exchange(Outlook(), None)
        except Halted:
            self._log.info("halted")

    def _turn(self, previous: Step, membership: Membership) -> Step:
        self._check_halted()
        try:
            if not self.ownership.is_settled(membership):
                # Shards go, and are replayed, only after what is in hand was committed.
                self._exchange(Outlook(), None)
                for error in self.ownership.settle(membership):
                    self._log.warning("shards_not_begun", error=str(error))
            self._keep_up()
        except PASSING as error:
            self._log.warning("redis_lost", error=str(error))
            self._pause(RETRY_S)
            return previous
        batch = self._read(None if previous.busy else TICK_MS, previous.recall)
        return self._process(batch, previous)

    def _check_halted(self) -> None:
        self.turned_at = time.monotonic()
        if self._halted.is_set():
            raise Halted

    def _pause(self, seconds: float) -> None:
        self._halted.wait(seconds)
        self._check_halted()

    # Reading

    def _read(self, block_ms: int | None, recall: int) -> Batch:
        """Commit what is in hand, wait for entries, and take them."""
        owned = self.ownership.owned
        if self._stalled or not owned:
            self._exchange(Outlook(), None)
            self._pause((block_ms or 0) / 1000)
            return Batch()
        if block_ms is not None:
            self._rest()
        outlook = self._intake.plan(owned, recall)
        batch = self._take(outlook, block_ms)
        read_again = outlook.replaying and not any(shard.replaying for shard in owned.values())
        if read_again and not batch.careful:
            # Otherwise what is new would wait for all that the stage does about what was pending.
            batch.add(self._take(self._intake.plan(owned, recall), None))
        for lease in batch.fenced:
            self.ownership.lose(lease)
        self._begin_again(batch.lost)
        return batch

    def _take(self, outlook: Outlook, block_ms: int | None) -> Batch:
        owned = self.ownership.owned
        news = self._exchange(outlook, block_ms)
        try:
            return self._intake.take(owned, outlook, news)
        except PASSING as error:
            # What was taken by a call whose reply was lost, only a replay finds.
            self._log.warning("taking_lost", error=str(error))
            self._pause(RETRY_S)
            return Batch(lost=set(owned))

    def _rest(self) -> None:
        rest_s = self._pace.rest_s(time.monotonic())
        if rest_s > 0:
            self._exchange(Outlook(), None)
            self._pause(rest_s)

    def _begin_again(self, shards: AbstractSet[int]) -> None:
        """What these shards rest on may never have happened, or nobody knows what became of it."""
        if shards:
            metrics.BEGUN_AGAIN.labels(self._stage.name).inc(len(shards))
            self._log.warning("begin_again", shards=sorted(shards))
            self.ownership.restart(shards, careful=False)

    # Processing

    def _process(self, batch: Batch, previous: Step) -> Step:
        """What the stage asks for next; what it puts out is in hand afterwards."""
        effects: list[Effect | Bury] = [*batch.passed, *batch.unreadable]
        for bury in batch.unreadable:
            self._log.error("unreadable_entry", entry=bury.entry.id.id, error=bury.error)
        due = time.monotonic() - self._called_at >= TICK_MS / 1000
        asks = previous
        if batch.entries or previous.busy or due:
            asks = self._call(batch.entries)
            effects += asks.effects
        effects += self._process_carefully(batch.careful)
        self._in_hand = effects
        return Step((), asks.busy, 0 if batch.careful else asks.recall)

    def _call(self, entries: Sequence[Entry]) -> Step:
        began = self._called_at = time.monotonic()
        self._pace.note(len(entries), began)
        metrics.ENTRIES.labels(self._stage.name).inc(len(entries))
        try:
            step = self._stage.process(entries, self._clock.now_ms())
        except Exception as error:  # noqa: BLE001  # whatever a model raises is laid to an entry
            self._suspect(entries, error)
            return Step()
        metrics.PROCESS_SECONDS.labels(self._stage.name).observe(time.monotonic() - began)
        self._idle_failures = 0
        return step

    def _suspect(self, entries: Sequence[Entry], error: Exception) -> None:
        """The stage failed on several entries, or on none: replay what it holds, one by one."""
        self._log.error("stage_failed", entries=len(entries), error=repr(error), exc_info=error)
        shards = {entry.id.shard for entry in entries}
        if isinstance(error, EntryFailed):
            self._failures[error.entry] += 1
            shards.add(error.entry.shard)
        elif not entries:
            self._idle_failures += 1
            if self._idle_failures >= TRIES:
                raise error
        self.ownership.restart(shards or set(self.ownership.owned), careful=True)

    def _process_carefully(self, careful: Sequence[tuple[Entry, RawEntry]]) -> list[Effect | Bury]:
        effects: list[Effect | Bury] = []
        failed: set[int] = set()
        for entry, raw in careful:
            if entry.id.shard in failed:
                continue
            if self._failures[entry.id] >= TRIES:
                effects.append(self._bury(raw, "made the stage fail"))
                continue
            step = self._call_alone(entry)
            if step is None:
                failed.add(entry.id.shard)
            else:
                effects += step.effects
        self.ownership.restart(failed, careful=True)
        return effects

    def _call_alone(self, entry: Entry) -> Step | None:
        """None where the stage failed; the failure is counted against the entry."""
        try:
            return self._stage.process([entry], self._clock.now_ms())
        except Exception as error:  # noqa: BLE001  # whatever a model raises is laid to the entry
            culprit = error.entry if isinstance(error, EntryFailed) else entry.id
            self._failures[culprit] += 1
            self._log.error(
                "entry_failed", entry=culprit.id, tries=self._failures[culprit], error=repr(error)
            )
            return None

    def _bury(self, raw: RawEntry, error: str) -> Bury:
        metrics.DEAD.labels(self._stage.name).inc()
        del self._failures[raw.id]
        self._log.error("dead_letter", entry=raw.id.id, stream=raw.id.stream, shard=raw.id.shard)
        return Bury(raw, error)

    # Committing

    def _exchange(self, outlook: Outlook, block_ms: int | None) -> Mapping[Place, Sequence[RawEntry]]:
        """Commit what is in hand, and wait for what is new."""
        effects, self._in_hand = self._in_hand, ()
        owned = self.ownership.owned
        commits = build_commits(effects, owned, stage=self._stage.name, now_ms=unix_ms())
        if not commits and not outlook.after:
            return NOTHING
        exchange = self._until_answered(commits, outlook, block_ms)
        if commits:
            metrics.COMMIT_SECONDS.labels(self._stage.name).observe(exchange.commit_s)
            metrics.EFFECTS.labels(self._stage.name).inc(sum(len(commit.appends) for commit in commits))
        return self._heed(exchange)

    def _heed(self, exchange: Exchange) -> Mapping[Place, Sequence[RawEntry]]:
        """The news of shards about which all is well."""
        odd = {n: v for n, v in exchange.verdicts.items() if v not in (Verdict.OK, Verdict.REPEATED)}
        if not odd:
            return exchange.news
        fenced = {shard for shard, verdict in odd.items() if verdict is Verdict.FENCED}
        for shard in fenced:
            lease = self.ownership.owned[shard].lease
            metrics.FENCED.labels(self._stage.name).inc()
            self._log.warning("fenced", shard=shard, token=lease.token)
            self.ownership.lose(lease)
        self._begin_again(odd.keys() - fenced)
        return {place: entries for place, entries in exchange.news.items() if place[0] not in odd}

    def _until_answered(
        self, commits: Sequence[ShardCommit], outlook: Outlook, block_ms: int | None
    ) -> Exchange:
        """Sequence numbers make it safe to send a commit again, so no answer is never an end."""
        while True:
            self._check_halted()
            try:
                return self._shards.exchange(commits, outlook.after, None if outlook.takings else block_ms)
            except PASSING as error:
                self._log.warning("exchange_lost", error=str(error))
                self._pause(RETRY_S)

    # Upkeep

    def _keep_up(self) -> None:
        """Once a second: trim the inputs, see what is put aside, and whether the streams behind are read."""
        if time.monotonic() - self._kept_up_at < UPKEEP_S:
            return
        self._kept_up_at = time.monotonic()
        owned = list(self.ownership.owned)
        self._shards.trim(owned)
        metrics.PUT_ASIDE.labels(self._stage.name).set(self._intake.look(owned))
        lengths = self._shards.lengths(owned, self._outputs)
        self._stalled = max(lengths, default=0) > self._backlog_limit
        metrics.STALLED.labels(self._stage.name).set(self._stalled)
        metrics.SHARDS.labels(self._stage.name).set(len(owned))
