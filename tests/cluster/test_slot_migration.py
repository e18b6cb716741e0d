"""The whole system while slots move to a primary that is new to the cluster."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import orjson
import pytest

from common.identity import Meeting
from common.stage import Stream
from common.streams import keys
from tests.cluster.migration import Migration, refusals
from tests.cluster.servers import Cluster, Server, cluster, servers, until
from tests.cluster.test_pipeline_through_failover import SETTINGS, SHARDS, told
from tests.system.kit import HUBBUB, System, excerpt, play, running_system

pytestmark = [pytest.mark.system, pytest.mark.cluster, pytest.mark.chaos]


@pytest.fixture
def nodes() -> Iterator[Cluster]:
    with cluster(spares=1) as found:
        yield found


@pytest.fixture
def system(nodes: Cluster, tmp_path: Path) -> Iterator[System]:
    with servers(1) as (queues,):
        settings = {**SETTINGS, "HUBBUB_REDIS__WAIT_REPLICAS": "0", "HUBBUB_JOBS__REDIS_URL": queues.url}
        with running_system(tmp_path / "log", "--redis", nodes.url, **settings) as running:
            yield running


def key_by_key(migration: Migration) -> None:
    """Slowly: everybody runs into a slot that is half here and half there."""
    migration.begin()
    for key in migration.left():
        migration.move(key)
        enough = refusals(migration.source) + 20
        until("the pools have been refused", partial(refused_so_often, migration.source, enough))
    migration.finish()


def refused_so_often(node: Server, count: int) -> bool:
    return refusals(node) >= count


def all_of_its_primary(migration: Migration) -> None:
    """Slot by slot, those of leases, members and processes as well."""
    for key in migration.source.client.keys("*"):
        if migration.cluster.serving(key.decode()) is migration.source:
            one = Migration(migration.cluster, key.decode(), migration.target)
            one.begin()
            one.finish()


@pytest.mark.parametrize("move", [key_by_key, all_of_its_primary, Migration.at_once])
def test_moving_a_busy_shard_to_another_primary_costs_nothing(
    nodes: Cluster, system: System, tmp_path: Path, move: Callable[[Migration], None]
) -> None:
    clip = excerpt(tmp_path / "clip.wav", 15, 36)
    assert play(system, [clip], "calm", "--format", "json").wait(180) == 0
    undisturbed = system.finished("calm-0", within_s=180)
    player = play(system, [clip], "moved", "--format", "json")
    with following(system, tmp_path / "followed") as followed:
        audio = keys.stream(Meeting("default", "moved-0").shard(SHARDS), Stream.AUDIO)
        until("somebody speaks", lambda: system_speaks(system))
        move(Migration(nodes, audio, nodes.spares[0]))
        assert player.wait(240) == 0
        results = system.finished("moved-0", within_s=240)
        assert told(results) == told(undisturbed)
        ids = [result.id for result in results]
        assert len(ids) == len(set(ids))
        until("who follows has them all", lambda: ids_in(followed) == ids)


def system_speaks(system: System) -> bool:
    try:
        return len(system.outcome("moved-0")[1]) > 3
    except AssertionError:
        return False


@contextmanager
def following(system: System, path: Path) -> Iterator[Path]:
    """`hubbub tail`, from before the meeting to its end, into a file."""
    command = [str(HUBBUB), "tail", "--redis", system.redis, "--meeting", "moved-0", "--json", "--from", "0"]
    with path.open("wb") as file, subprocess.Popen(command, stdout=file) as process:
        try:
            yield path
        finally:
            process.terminate()


def ids_in(followed: Path) -> list[str]:
    """Of all whole lines."""
    lines = followed.read_bytes().split(b"\n")[:-1]
    return [orjson.loads(line)["id"] for line in lines]
