"""The stage loop: read, process, commit. The only one there is.

For each shard it owns, the loop first reads what the former owner left pending, from the start,
then what is new. The stage runs in a thread; while it works, the effects of its previous call
are committed.

When a call of the stage raises, the shards it was given are replayed one entry at a time, until
the entry is known that the stage cannot take. After three tries that entry is put aside as a
dead letter and the shard goes on.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

import structlog

from common import metrics
from common.clock import unix_ms
from common.commit import Bury, build_commits
from common.intake import Batch, Intake
from common.membership import Membership
from common.ownership import Ownership
from common.shelves import ShelfBounds
from common.stage import ON_REQUEST, Effect, Entry, EntryFailed, EntryId, Stage, Step, Stream
from common.streams.client import PASSING, check_cancelled
from common.streams.fenced import FencedShards, RawEntry, ShardCommit, Verdict

TICK_MS = 100
UPKEEP_S = 1.0
TRIES = 3
RETRY_S = 0.1


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
        self._log = structlog.get_logger(stage=stage.name)
        self.ownership = Ownership(shards, stage.inputs, stage.release)

    async def run(self, membership: Membership, draining: asyncio.Event) -> None:
        """Work until `draining`, then commit what is in hand."""
        step: Step | None = None
        while not draining.is_set():
            check_cancelled()
            try:
                await self.ownership.settle(membership)
                await self._keep_up()
            except PASSING as error:
                self._log.warning("redis_lost", error=str(error))
                await asyncio.sleep(RETRY_S)
                continue
            step = await self._cycle(step or Step(), membership)
        if step is not None:
            await self._commit(step.effects, membership)

    async def _cycle(self, previous: Step, membership: Membership) -> Step:
        """Commit the previous step while the next batch is read and processed."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._commit(previous.effects, membership))
            batch = await self._read(None if previous.busy else TICK_MS, previous.recall)
            for lease in batch.fenced:
                membership.lost(lease)
            return await self._process(batch, previous)

    async def _read(self, block_ms: int | None, recall: int) -> Batch:
        owned = self.ownership.owned
        if self._stalled or not owned:
            await asyncio.sleep((block_ms or 0) / 1000)
            return Batch()
        try:
            return await self._intake.take(owned, block_ms=block_ms, recall=recall)
        except PASSING as error:
            # A read whose reply was lost may have been given entries: only a replay finds them.
            self._log.warning("read_lost", error=str(error))
            self.ownership.restart(owned, careful=False)
            await asyncio.sleep(RETRY_S)
            return Batch()

    # Processing

    async def _process(self, batch: Batch, previous: Step) -> Step:
        effects: list[Effect | Bury] = [*batch.trimmed, *batch.unreadable]
        for bury in batch.unreadable:
            self._log.error("unreadable_entry", entry=bury.entry.id.id, error=bury.error)
        due = time.monotonic() - self._called_at >= TICK_MS / 1000
        asks = previous
        if batch.entries or previous.busy or due:
            asks = await self._call(batch.entries)
            effects += asks.effects
        effects += await self._process_carefully(batch.careful)
        recall = 0 if batch.careful else asks.recall
        return Step(effects, asks.busy, recall)  # type: ignore[arg-type]  # Bury is the loop's own effect

    async def _call(self, entries: Sequence[Entry]) -> Step:
        self._called_at = time.monotonic()
        metrics.ENTRIES.labels(self._stage.name).inc(len(entries))
        try:
            with metrics.PROCESS_SECONDS.labels(self._stage.name).time():
                step = await asyncio.to_thread(self._stage.process, entries, unix_ms())
        except Exception as error:  # noqa: BLE001  # whatever a model raises is laid to an entry
            self._suspect(entries, error)
            return Step()
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

    async def _process_carefully(self, careful: Sequence[tuple[Entry, RawEntry]]) -> list[Effect | Bury]:
        effects: list[Effect | Bury] = []
        failed: set[int] = set()
        for entry, raw in careful:
            if entry.id.shard in failed:
                continue
            if self._failures[entry.id] >= TRIES:
                effects.append(self._bury(raw, "made the stage fail"))
                continue
            step = await self._call_alone(entry)
            if step is None:
                failed.add(entry.id.shard)
            else:
                effects += step.effects
        self.ownership.restart(failed, careful=True)
        return effects

    async def _call_alone(self, entry: Entry) -> Step | None:
        """None where the stage failed; the failure is counted against the entry."""
        try:
            return await asyncio.to_thread(self._stage.process, [entry], unix_ms())
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

    async def _commit(self, effects: Sequence[Effect], membership: Membership) -> None:
        if not effects:
            return
        owned = self.ownership.owned
        commits = build_commits(effects, owned, stage=self._stage.name, now_ms=unix_ms())
        with metrics.COMMIT_SECONDS.labels(self._stage.name).time():
            verdicts = await self._until_answered(commits)
        for commit in commits:
            if verdicts[commit.lease.shard] is Verdict.FENCED:
                metrics.FENCED.labels(self._stage.name).inc()
                self._log.warning("fenced", shard=commit.lease.shard, token=commit.lease.token)
                membership.lost(commit.lease)
                self.ownership.lose(commit.lease)
        metrics.EFFECTS.labels(self._stage.name).inc(sum(len(commit.appends) for commit in commits))

    async def _until_answered(self, commits: Sequence[ShardCommit]) -> dict[int, Verdict]:
        """Sequence numbers make it safe to send a commit again, so no answer is never an end."""
        while True:
            check_cancelled()
            try:
                return await self._shards.commit(commits)
            except PASSING as error:
                self._log.warning("commit_lost", error=str(error))
                await asyncio.sleep(RETRY_S)

    # Upkeep

    async def _keep_up(self) -> None:
        """Once a second: trim the inputs, see what is put aside, and whether the streams behind are read."""
        if time.monotonic() - self._kept_up_at < UPKEEP_S:
            return
        self._kept_up_at = time.monotonic()
        owned = list(self.ownership.owned)
        await self._shards.trim(owned)
        metrics.PUT_ASIDE.labels(self._stage.name).set(await self._intake.look(owned))
        lengths = await self._shards.lengths(owned, self._outputs)
        self._stalled = max(lengths, default=0) > self._backlog_limit
        metrics.STALLED.labels(self._stage.name).set(self._stalled)
        metrics.SHARDS.labels(self._stage.name).set(len(owned))
