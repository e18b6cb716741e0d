"""Members of a pool that are heard, fall silent and go in any order, compared with plain values."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from pydantic import SecretStr

from common.assignment import Standing
from common.settings import RedisSettings
from common.streams import keys
from common.streams.client import connect
from common.streams.leases import LeaseTable

LEASE_MS = 3_600_000
NAMES = ("first", "second", "third")
MEMBERS, STANDINGS = keys.members("vad"), keys.standings("vad")

names = st.sampled_from(NAMES)
standings = st.builds(
    Standing, st.lists(st.integers(0, 4095), max_size=3, unique=True).map(tuple), st.booleans()
)


class Members(RuleBasedStateMachine):
    """`said` is what those say who are listed; `silent` those of them that nobody heard for two leases.

    `ahead`: the clock went back, and those who are listed seem to be heard in the future.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.redis = connect(RedisSettings(url=SecretStr(url)))
        self.tables = {name: LeaseTable(self.redis, "vad", name, LEASE_MS) for name in NAMES}
        self.said: dict[str, Standing | None] = {}
        self.silent: set[str] = set()
        self.ahead = False
        self.runner.run(self.redis.flushall())

    def teardown(self) -> None:
        self.runner.run(self.redis.aclose())
        self.runner.close()

    @initialize()
    def begin(self) -> None:
        for name in NAMES:
            self.beat(name, Standing())

    @rule(name=names, standing=standings)
    def beat(self, name: str, standing: Standing) -> None:
        view = self.runner.run(self.tables[name].heartbeat(standing))
        assert view.joined == (name not in self.said)
        self._expect_beat(name, replace(standing, newcomer=standing.newcomer or view.joined))
        assert view.members == self.said
        [(_, latest_ms)] = self.runner.run(self.redis.zrange(MEMBERS, -1, -1, withscores=True))
        assert latest_ms / 1000 < self.runner.run(self.redis.time())[0] + 60, "heard in the future"
        if None not in self.said.values():
            assert {key.decode() for key in self.runner.run(self.redis.hkeys(STANDINGS))} == self.said.keys()

    def _expect_beat(self, name: str, standing: Standing) -> None:
        away = self.silent == self.said.keys()
        gone = set() if away else self.silent - {name}
        self.said = {**{n: said for n, said in self.said.items() if n not in gone}, name: standing}
        self.silent, self.ahead = set(), False

    @rule(name=names)
    def beat_of_an_older_version(self, name: str) -> None:
        """One more, or another instead of a member that left."""
        if name in self.said:  # otherwise nobody leaves, and nothing is counted
            self.leave(name)
        if self.ahead:  # as its script does, it sees to those that seem to be heard in the future
            self._list(self.said.keys() - self.silent, ago_ms=LEASE_MS // 2)
        self._list([name], ago_ms=0)
        self.said[name], self.ahead = None, False

    @rule(drawn=st.permutations(NAMES), silent=st.sets(names))
    def one_looks_before_and_after(self, drawn: list[str], silent: set[str]) -> None:
        """Somebody of an older version comes, perhaps in the place of who falls silent, uncounted."""
        onlooker, name, _ = drawn
        self.leave(name)
        self.beat(onlooker, Standing())
        self.beat(onlooker, Standing())
        self.fall_silent(silent - {onlooker})
        self.beat_of_an_older_version(name)
        self.beat(onlooker, Standing())

    @rule()
    def leave_of_an_older_version(self) -> None:
        for name in [name for name, said in self.said.items() if said is None]:
            self.runner.run(self.redis.zrem(MEMBERS, name))
            del self.said[name]
            self.silent.discard(name)

    @rule(name=names)
    def leave(self, name: str) -> None:
        self.runner.run(self.tables[name].leave())
        self.said.pop(name, None)
        self.silent.discard(name)

    @rule(some=st.sets(names, min_size=1))
    def fall_silent(self, some: set[str]) -> None:
        self._list(some & self.said.keys(), ago_ms=2 * LEASE_MS)
        self.silent |= some & self.said.keys()

    @rule()
    def turn_the_clock_back(self) -> None:
        self._list(self.said, ago_ms=-2 * LEASE_MS)
        self.silent, self.ahead = set(), True

    def _list(self, listed: Iterable[str], *, ago_ms: int) -> None:
        seconds, _ = self.runner.run(self.redis.time())
        scores = dict.fromkeys(listed, seconds * 1000 - ago_ms)
        if scores:
            self.runner.run(self.redis.zadd(MEMBERS, scores))
