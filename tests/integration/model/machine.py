"""Any calls of any owners in any order, on a server and on the model, with all that can be seen compared.

Calls are made again after any time (a lost reply), never made (a lost request), or made long after
the owner was replaced (it froze), as often as it comes.
"""

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from common.shelves import ShelfBounds
from common.stage import Stream
from tests.integration.model.rig import Rig
from tests.integration.model.shard import INPUT, CommitModel, ShardModel

pools = st.sampled_from(sorted(INPUT))
members = st.sampled_from(["first", "second", "third"])
counts = st.integers(1, 4)
NOTHING = ShelfBounds(max_bytes=1, max_age_ms=3_600_000)
ROOMY = ShelfBounds(max_bytes=2**40, max_age_ms=3_600_000)
BRIEF = ShelfBounds(max_bytes=2**40, max_age_ms=0)


class Scripts(RuleBasedStateMachine):
    """What `rig` does, `model` must foretell."""

    held = Bundle("held")
    built = Bundle("built")

    def __init__(self, new_rig: Callable[[], Rig]) -> None:
        super().__init__()
        self.rig = new_rig()
        self.model = ShardModel()
        self.made = 0

    def teardown(self) -> None:
        self.rig.close()

    # Leases

    @initialize(target=held)
    def begin(self) -> object:
        """With something to do and somebody to do it: an example in which nothing happens says little."""
        for stream in self.model.added:
            self.write(stream, 4)
        for pool in INPUT:
            assert self.rig.acquire(pool, "first") == self.model.leases[pool].acquire("first") == 1
        return multiple(*((pool, "first", 1) for pool in INPUT))

    @rule(target=held, pool=pools, member=members)
    def acquire(self, pool: str, member: str) -> tuple[str, str, int]:
        token = self.rig.acquire(pool, member)
        assert token == self.model.leases[pool].acquire(member)
        return pool, member, token or self.model.leases[pool].token - 1

    @rule(target=held, pool=pools, member=members)
    def expire_and_acquire(self, pool: str, member: str) -> tuple[str, str, int]:
        self.expire(pool)
        return self.acquire(pool, member)

    @rule(pool=pools)
    def expire(self, pool: str) -> None:
        if self.model.leases[pool].owner is not None:
            self.rig.expire(pool)
            self.model.leases[pool].lasting = False

    @rule(lease=held)
    def renew(self, lease: tuple[str, str, int]) -> None:
        pool, member, token = lease
        assert self.rig.renew(pool, member, token) == self.model.leases[pool].renew(member, token)

    @rule(lease=held, member=members)
    def renew_as_somebody(self, lease: tuple[str, str, int], member: str) -> None:
        self.renew((lease[0], member, lease[2]))

    @rule(lease=held)
    def release(self, lease: tuple[str, str, int]) -> None:
        pool, member, token = lease
        self.rig.release(pool, member, token)
        self.model.leases[pool].release(member, token)

    @rule(lease=held, member=members)
    def release_as_somebody(self, lease: tuple[str, str, int], member: str) -> None:
        self.release((lease[0], member, lease[2]))

    # Commits

    @rule(target=built, lease=held, data=st.data())
    def build(self, lease: tuple[str, str, int], data: st.DataObject) -> CommitModel:
        """As an owner does that knows what the model knows, or as one that froze and knows less."""
        pool, _, token = lease
        current = self.model.leases[pool]
        sequence = current.sequence + data.draw(st.sampled_from([1, 1, 1, 0, 2, -1]), "sequence by")
        reads_to, held = self._draw_reading(pool, data, stale=token != current.token)
        self.made += 1
        outputs = [f"{self.made}.{i}" for i in range(data.draw(st.integers(0, 2), "outputs"))]
        pending = sorted(self.model.groups[pool].pending) or [1]
        known = [entry for entry in pending if entry <= self.model.added[INPUT[pool]]]
        acknowledged = data.draw(st.lists(st.sampled_from(known), unique=True), "done with") if known else []
        marks = data.draw(
            st.dictionaries(st.sampled_from("ab"), st.none() | st.integers(0, 9), max_size=2), "marks"
        )
        tally = data.draw(st.integers(0, 5), "tally")
        return CommitModel(pool, token, sequence, outputs, reads_to, held, acknowledged, marks, tally)

    def _draw_reading(self, pool: str, data: st.DataObject, *, stale: bool) -> tuple[int | None, list[int]]:
        added, last = self.model.added[INPUT[pool]], self.model.groups[pool].last
        reads_to = data.draw(
            st.none() | st.just(added) | st.integers(0 if stale else last, added), "reads to"
        )
        if reads_to is None:
            return None, []
        new = list(range(last + 1, reads_to + 1))
        return reads_to, data.draw(st.lists(st.sampled_from(new), unique=True), "holds") if new else []

    @rule(commit=built)
    def send(self, commit: CommitModel) -> None:
        """Now, again, or late."""
        if commit.reads_to is not None and self.model.leases[commit.pool].token == commit.token:
            outrun = self.model.groups[commit.pool].last > commit.reads_to
            if outrun and self.model.leases[commit.pool].sequence + 1 == commit.sequence:
                return  # an owner sends what it built in order, on one connection
        assert self.rig.commit(commit) == self.model.commit(commit)

    @rule(lease=held, data=st.data())
    def commit(self, lease: tuple[str, str, int], data: st.DataObject) -> None:
        self.send(self.build(lease, data))

    @rule(lease=held, data=st.data())
    def commit_twice(self, lease: tuple[str, str, int], data: st.DataObject) -> None:
        commit = self.build(lease, data)
        self.send(commit)
        self.send(commit)

    @rule(data=st.data())
    def work_off(self, data: st.DataObject) -> None:
        """As a system in health does: every pool reads all there is, and what nobody holds is cut."""
        for pool, stream in INPUT.items():
            lease, group = self.model.leases[pool], self.model.groups[pool]
            entries = sorted({*group.pending, *range(group.last + 1, self.model.added[stream] + 1)})
            held = data.draw(st.lists(st.sampled_from(entries), unique=True), pool) if entries else []
            self.made += 1
            done = [entry for entry in entries if entry <= group.last and entry not in held]
            new = [entry for entry in held if entry > group.last]
            reads_to, marks = self.model.added[stream], {"a": self.made}
            sequence, text = lease.sequence + 1, str(self.made)
            self.send(CommitModel(pool, lease.token, sequence, [text], reads_to, new, done, marks))
        for pool in INPUT:
            self.trim(pool)

    # Streams

    @rule(stream=st.sampled_from([Stream.SPEECH, Stream.DEFERRED]), count=counts)
    def write(self, stream: Stream, count: int) -> None:
        self.rig.write(stream, count)
        self.model.added[stream] += count

    @rule()
    def begin_record(self) -> None:
        self.rig.begin_record()
        self.model.tally = self.model.tally or 0

    @rule(lease=held, after=st.integers(0, 5), count=counts)
    def read_pending(self, lease: tuple[str, str, int], after: int, count: int) -> None:
        pool, _, token = lease
        after = min(after, self.model.added[INPUT[pool]])
        assert self.rig.pending(pool, token, after, count) == self.model.pending(pool, token, after, count)

    @rule(lease=held, count=counts)
    def take(self, lease: tuple[str, str, int], count: int) -> None:
        pool, _, token = lease
        assert self.rig.take(pool, token, count) == self.model.take(pool, token, count)

    @rule(pool=pools)
    def trim(self, pool: str) -> None:
        self.rig.trim(pool)
        self.model.trim(INPUT[pool])

    @rule(pool=st.sampled_from(["asr", "keyword"]))
    def see_how_far(self, pool: str) -> None:
        last = self.model.groups[pool].last
        assert self.rig.reached(pool) == (last, last)

    @rule()
    def see_the_shelf(self) -> None:
        lies = self.model.shelf()
        for bounds, all_beyond in ((ROOMY, False), (NOTHING, True), (BRIEF, True)):
            wanted = None if lies is None else (lies[0], lies[0] if all_beyond else 0, lies[1])
            assert self.rig.shelf(bounds) == wanted

    @invariant()
    def the_server_is_as_foretold(self) -> None:
        assert self.rig.state() == self.rig.expected(self.model)
