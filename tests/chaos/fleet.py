"""The processes of every pool, which can be killed, frozen, drained and scaled, and which come back."""

import asyncio
import os
import random
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common.supervisor import own_command
from tests.chaos.clocks import Clock

GONE_WITHIN_S = 60
_LOOK_S = 0.3


@dataclass(eq=False, slots=True)
class Member:
    """A process of a pool. `expected_to_end`: whoever ended it brings another. `spared`: nobody ends it."""

    pool: str
    number: int
    process: subprocess.Popen[bytes]
    frozen: bool = False
    expected_to_end: bool = False
    spared: bool = False

    @property
    def alive(self) -> bool:
        """Whether it runs, or is only frozen."""
        return self.process.poll() is None


@dataclass(slots=True)
class Fleet:
    """Starts members with one environment; odd ones reach Redis by the `line`.

    A member that ends by itself, which none should, is counted in `fallen` and replaced.
    """

    environment: Mapping[str, str]
    redis_url: str
    line_url: str
    clocks: Mapping[str, Clock]
    logs: Path
    members: list[Member] = field(default_factory=list)
    fallen: list[str] = field(default_factory=list)
    _started: int = 0

    def start(self, pool: str) -> Member:
        """One process more."""
        self._started += 1
        number = sum(member.pool == pool for member in self.members)
        places = {"HUBBUB_REDIS__URL": self.line_url if number % 2 else self.redis_url}
        with (self.logs / f"{pool}.log").open("ab") as log:
            process = subprocess.Popen(
                [*own_command(), pool],
                env={**os.environ, **self.environment, **places, **self._clock_of(pool)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        member = Member(pool, number, process)
        self.members.append(member)
        return member

    def _clock_of(self, pool: str) -> Mapping[str, str]:
        return self.clocks[pool].environment if pool in self.clocks else {}

    async def watch(self) -> None:
        """Replace what ends unasked, until cancelled."""
        while True:
            for member in list(self.members):
                if not member.alive and not member.expected_to_end:
                    self.fallen.append(f"{member.pool} ended with status {member.process.returncode}")
                    self._replace(member)
            await asyncio.sleep(_LOOK_S)

    async def kill(self, pool: str, chance: random.Random, back_after_s: float) -> None:
        """SIGKILL, and a new process after a while."""
        member = await self._any(pool, chance, to_end=True)
        member.expected_to_end = True
        member.process.kill()
        await asyncio.sleep(back_after_s)
        self._replace(member)

    async def freeze(self, pool: str, chance: random.Random, lasts_s: float) -> None:
        """SIGSTOP, SIGCONT."""
        member = await self._any(pool, chance)
        member.frozen = True
        member.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(lasts_s)
        member.process.send_signal(signal.SIGCONT)
        member.frozen = False

    async def roll(self, pool: str, chance: random.Random) -> None:
        """SIGTERM, and a new process when the old one has gone."""
        member = await self._any(pool, chance, to_end=True)
        await self.drain(member)
        self._replace(member)

    async def scale(self, pool: str, chance: random.Random, lasts_s: float) -> None:
        """One process more, for a while; then any one goes, since the new one may have been ended."""
        self.start(pool)
        await asyncio.sleep(lasts_s)
        member = await self._any(pool, chance)
        await self.drain(member)
        self.members.remove(member)

    async def drain(self, member: Member) -> None:
        """Ask it to go, and wait until it has. Raises AssertionError where it does not."""
        member.expected_to_end = True
        member.process.terminate()
        for _ in range(int(GONE_WITHIN_S / _LOOK_S)):
            if not member.alive:
                return
            await asyncio.sleep(_LOOK_S)
        raise AssertionError(f"{member.pool} did not drain within {GONE_WITHIN_S} s")

    async def stop(self) -> None:
        """Drain everything, audio first; what does not go is killed."""
        for pools in (["ingest"], [member.pool for member in self.members if member.pool != "ingest"]):
            going = [member for member in self.members if member.pool in pools]
            await asyncio.gather(*map(self.drain, going), return_exceptions=True)
        for member in self.members:
            if member.alive:
                member.process.kill()
            member.process.wait()

    def pids(self) -> Mapping[str, Sequence[int]]:
        """The living processes by pool."""
        found: dict[str, list[int]] = {}
        for member in self.members:
            if member.alive:
                found.setdefault(member.pool, []).append(member.process.pid)
        return found

    def _replace(self, member: Member) -> None:
        self.members.remove(member)
        self.start(member.pool)

    async def _any(self, pool: str, chance: random.Random, *, to_end: bool = False) -> Member:
        """A member that nothing else is done to now, and that may be ended where it is `to_end`."""
        while True:
            able = [m for m in self.members if m.pool == pool and not m.frozen and not m.expected_to_end]
            able = [member for member in able if not (to_end and member.spared)]
            if able:
                return chance.choice(able)
            await asyncio.sleep(_LOOK_S)
