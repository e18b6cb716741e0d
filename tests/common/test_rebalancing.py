"""Members of a pool that come, go, crash, freeze and flap, with views of each other that are out of date.

Plain objects: a server that keeps heartbeats and leases as the scripts do, with time in beats, and members
that decide as processes do. In each beat they look at the server and act on what they saw, one after
another or all mixed up, and some are late.
"""

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from common.assignment import BEATS_A_LEASE, Share, Standing, View

FEW_BEATS = 6
MOST_MISSED = 2
SETTLING = (2 + MOST_MISSED) * BEATS_A_LEASE + MOST_MISSED + FEW_BEATS
SOME = settings(max_examples=40)
chance = st.builds(Random, st.integers(0, 2**32))
shards = st.integers(1, 24)
each = st.integers(1, 6)
brief = st.integers(1, BEATS_A_LEASE)


@dataclass
class Server:
    """`moves` has each shard that got another owner than it had."""

    now: int = 0
    heard: dict[str, int] = field(default_factory=dict)
    said: dict[str, Standing] = field(default_factory=dict)
    leases: dict[int, tuple[str, int]] = field(default_factory=dict)
    last_owner: dict[int, str] = field(default_factory=dict)
    moves: list[int] = field(default_factory=list)

    def heartbeat(self, name: str, standing: Standing) -> View:
        joined = name not in self.heard
        self.heard[name] = self.now
        self.said[name] = Standing(standing.held, standing.newcomer or joined)
        self.heard = {name: at for name, at in self.heard.items() if self.now - at <= BEATS_A_LEASE}
        return View(joined, {name: self.said[name] for name in self.heard})

    def renew(self, name: str, shard: int) -> bool:
        if self.leases.get(shard, ("", 0))[0] != name:
            return False
        self.leases[shard] = (name, self.now + BEATS_A_LEASE)
        return True

    def acquire(self, name: str, shard: int) -> bool:
        if shard in self.leases and self.leases[shard][1] > self.now:
            return False
        self.leases[shard] = (name, self.now + BEATS_A_LEASE)
        if self.last_owner.setdefault(shard, name) != name:
            self.moves.append(shard)
            self.last_owner[shard] = name
        return True


@dataclass
class Worker:
    """A process of the pool."""

    name: str
    server: Server
    share: Share
    held: list[int] = field(default_factory=list)
    wanted: frozenset[int] = frozenset()
    missed: int = 0
    frozen: bool = False

    def look(self) -> None:
        self.held = [shard for shard in self.held if self.server.renew(self.name, shard)]
        self.wanted = self.share.see(self.server.heartbeat(self.name, self.share.standing(self.held)))

    def act(self) -> None:
        for shard in [shard for shard in self.held if shard not in self.wanted]:
            self.release(shard)
        for shard in sorted(self.wanted.difference(self.held)):
            if self.server.acquire(self.name, shard):
                self.held.append(shard)

    def release(self, shard: int) -> None:
        self.held.remove(shard)
        if self.server.leases[shard][0] == self.name:
            del self.server.leases[shard]


@dataclass
class Pool:
    """Its workers, who get a new name each time they start."""

    shards: int
    chance: Random
    server: Server = field(default_factory=Server)
    workers: list[Worker] = field(default_factory=list)
    started: int = 0

    def start(self) -> Worker:
        self.started += 1
        name = f"worker-{self.started}"
        worker = Worker(name, self.server, Share(name, self.shards))
        self.workers.append(worker)
        return worker

    def crash(self, worker: Worker) -> None:
        self.workers.remove(worker)

    def drain(self, worker: Worker) -> None:
        self.workers.remove(worker)
        self.server.heard.pop(worker.name, None)
        for shard in list(worker.held):
            worker.release(shard)

    def any(self) -> Worker:
        return self.chance.choice(self.workers)

    def beat(self, times: int = 1) -> None:
        for _ in range(times):
            self.server.now += 1
            awake = [worker for worker in self.workers if not worker.frozen and not self._is_late(worker)]
            steps = [*awake, *awake]
            self.chance.shuffle(steps)
            looked: set[str] = set()
            for worker in steps:
                worker.act() if worker.name in looked else worker.look()
                looked.add(worker.name)

    def _is_late(self, worker: Worker) -> bool:
        late = worker.missed < MOST_MISSED and self.chance.random() < 0.2
        worker.missed = worker.missed + 1 if late else 0
        return late

    def settle(self) -> None:
        """Long enough for the dead to be missed, and for newcomers to be none any more."""
        self.beat(SETTLING)

    def counts(self) -> list[int]:
        return sorted(len(worker.held) for worker in self.workers)

    def is_balanced(self) -> bool:
        owned = sorted(shard for worker in self.workers for shard in worker.held)
        return owned == list(range(self.shards)) and self.counts()[-1] - self.counts()[0] <= 1


def balanced(count: int, chance: Random, members: int) -> Pool:
    pool = Pool(count, chance)
    for _ in range(members):
        pool.start()
    pool.settle()
    assert pool.is_balanced()
    pool.server.moves.clear()
    return pool


def disturb(pool: Pool, event: str) -> None:
    if event == "start" or len(pool.workers) < 2:
        pool.start()
    elif event == "drain":
        pool.drain(pool.any())
    elif event == "crash":
        pool.crash(pool.any())
    else:
        worker = pool.any()
        worker.frozen = not worker.frozen


events = st.lists(st.tuples(st.sampled_from(["start", "drain", "crash", "freeze"]), st.integers(0, 12)))


@SOME
@given(shards, events, chance)
def test_whatever_happened_the_pool_comes_to_rest(
    count: int, history: list[tuple[str, int]], chance: Random
) -> None:
    pool = balanced(count, chance, 3)
    for event, beats in history:
        disturb(pool, event)
        pool.beat(beats)
    for worker in pool.workers:
        worker.frozen = False
    pool.settle()
    assert pool.is_balanced()
    pool.server.moves.clear()
    pool.beat(20)
    assert pool.server.moves == []


@SOME
@given(shards, st.integers(1, 5), chance)
def test_who_comes_costs_the_others_its_share_and_no_more(count: int, members: int, chance: Random) -> None:
    pool = balanced(count, chance, members)
    newcomer = pool.start()
    pool.settle()
    assert pool.is_balanced()
    assert sorted(pool.server.moves) == sorted(newcomer.held)


@SOME
@given(shards, st.integers(2, 5), chance, st.booleans())
def test_who_goes_costs_the_others_nothing_but_its_share(
    count: int, members: int, chance: Random, drains: bool
) -> None:
    pool = balanced(count, chance, members)
    leaver = pool.any()
    its_own = sorted(leaver.held)
    (pool.drain if drains else pool.crash)(leaver)
    pool.settle()
    assert pool.is_balanced()
    assert sorted(pool.server.moves) == its_own


@SOME
@given(each, st.integers(2, 5), chance, st.lists(brief | st.just(SETTLING), min_size=1, max_size=4))
def test_whoever_flaps_moves_its_own_shards_only(
    each: int, members: int, chance: Random, lives: list[int]
) -> None:
    pool = balanced(each * members, chance, members)
    flapping = pool.any()
    its_own = set(flapping.held)
    for beats in lives:
        pool.crash(flapping)
        pool.beat(chance.randint(0, 2 * BEATS_A_LEASE))
        flapping = pool.start()
        pool.beat(beats)
    pool.settle()
    assert pool.is_balanced()
    assert set(pool.server.moves) <= its_own
    assert len(pool.server.moves) <= 2 * len(lives) * each


@SOME
@given(shards, st.integers(1, 6), chance)
def test_who_fails_as_soon_as_it_started_pulls_no_shards(count: int, members: int, chance: Random) -> None:
    pool = balanced(count, chance, members)
    for _ in range(10):
        failing = pool.start()
        pool.beat(chance.randint(1, BEATS_A_LEASE))
        pool.crash(failing)
        pool.beat(chance.randint(0, 3))
    assert pool.server.moves == []


@SOME
@given(each, st.integers(2, 5), chance)
def test_paused_for_longer_than_a_lease_it_gets_back_what_it_had(
    each: int, members: int, chance: Random
) -> None:
    pool = balanced(each * members, chance, members)
    paused = pool.any()
    its_own = set(paused.held)
    paused.frozen = True
    pool.beat(3 * BEATS_A_LEASE)
    paused.frozen = False
    pool.settle()
    assert pool.is_balanced()
    assert set(paused.held) == set(pool.server.moves) == its_own


@SOME
@given(each, st.integers(2, 5), chance)
def test_restarted_one_by_one_each_shard_goes_and_comes_back_once(
    each: int, members: int, chance: Random
) -> None:
    pool = balanced(each * members, chance, members)
    for worker in list(pool.workers):
        pool.drain(worker)
        pool.beat(chance.randint(BEATS_A_LEASE, 2 * BEATS_A_LEASE))
        pool.start()
        pool.settle()
    assert pool.is_balanced()
    assert set(Counter(pool.server.moves).values()) == {2}


@SOME
@given(each, st.integers(2, 5), chance)
def test_replaced_by_who_is_there_already_each_shard_moves_once(
    each: int, members: int, chance: Random
) -> None:
    pool = balanced(each * members, chance, members)
    for worker in list(pool.workers):
        pool.start()
        pool.beat(MOST_MISSED + 1)
        pool.drain(worker)
        pool.settle()
    assert pool.is_balanced()
    assert sorted(pool.server.moves) == list(range(pool.shards))
