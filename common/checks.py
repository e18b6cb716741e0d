"""What `hubbub doctor` looks at: each check says what it found and what to do."""

import platform
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

import psutil

from common.errors import HubbubError
from common.settings import Settings
from common.streams.client import PASSING, connect
from common.topology import POOLS

WANTED_MEMORY_BYTES = 2 * 2**30
WANTED_REDIS = (7, 0)


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `advice` says what to do where something is wrong."""

    name: str
    good: bool
    found: str
    advice: str = ""


CheckSource = Callable[[Settings], Iterable[Check]]


async def run_checks(settings: Settings) -> list[Check]:
    """The machine, Redis, and what the installed pools and engines say of themselves."""
    checks = [*_machine(), await _redis(settings), _pools()]
    for point in entry_points(group="hubbub.checks"):
        checks += _ask(point, settings)
    return checks


def _ask(point: EntryPoint, settings: Settings) -> list[Check]:
    try:
        source: CheckSource = point.load()
        return list(source(settings))
    except ImportError as error:
        return [Check(point.name, good=False, found=str(error), advice="pip install 'hubbub[local]'")]


def _machine() -> Iterable[Check]:
    yield Check(
        "python", sys.version_info >= (3, 11), platform.python_version(), "install Python 3.11 or later"
    )
    memory = psutil.virtual_memory().available
    yield Check("processors", good=True, found=f"{psutil.cpu_count()} on {platform.machine()}")
    yield Check(
        "memory",
        memory > WANTED_MEMORY_BYTES,
        f"{memory / 2**30:.1f} GiB free",
        "all pools together want 2 GiB",
    )


async def _redis(settings: Settings) -> Check:
    redis = connect(settings.redis, timeout_s=3)
    try:
        info = await redis.info("server")
    except PASSING as error:
        return Check(
            "redis",
            good=False,
            found=str(error),
            advice="set HUBBUB_REDIS__URL, or run hubbub up, which brings its own",
        )
    finally:
        await redis.aclose()
    name, version = info.get("server_name", "redis"), str(info.get("valkey_version", info["redis_version"]))
    recent = tuple(int(part) for part in version.split(".")[:2]) >= WANTED_REDIS
    return Check("redis", recent, f"{name} {version}", "Hubbub needs Redis 7 or Valkey")


def _pools() -> Check:
    missing = []
    for pool in POOLS:
        for group in ("hubbub.stages", "hubbub.services"):
            missing += [f"{pool} ({error})" for error in _load_errors(group, pool)]
    found = "all pools load" if not missing else "cannot load " + ", ".join(missing)
    return Check("pools", not missing, found, "pip install 'hubbub[local]'")


def _load_errors(group: str, pool: str) -> Iterable[str]:
    for point in entry_points(group=group, name=pool):
        try:
            point.load()
        except (ImportError, HubbubError) as error:
            yield str(error)
