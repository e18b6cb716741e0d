"""The whole system on servers that replicate: a primary is killed in the middle, and nothing is missed.

The replica that takes over has what was acknowledged, since acknowledgements wait for it. While it
takes over, audio is held back for longer than a source may be quiet by default before its utterance
is closed, which would cut it there; so here it may be quiet for longer.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from common.identity import Meeting
from common.results import Activity, Keyword, Result, Status
from common.stage import Stream
from common.streams import keys
from tests.cluster.servers import Sentinel, Server, cluster, follow, servers, until
from tests.system.kit import System, excerpt, finals, play, running_system

pytestmark = [pytest.mark.system, pytest.mark.cluster, pytest.mark.chaos]
SHARDS = 32
SETTINGS = {
    "HUBBUB_EMITTER__QUALITY": "busy",
    "HUBBUB_VAD__QUIET_SOURCE_MS": "30000",
    "HUBBUB_REDIS__WAIT_REPLICAS": "1",
    "HUBBUB_INGEST__BACKLOG_PATIENCE_MS": "60000",
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return excerpt(tmp_path_factory.mktemp("clip") / "clip.wav", 15, 36)


@contextmanager
def on_a_cluster(folder: Path) -> Iterator[tuple[System, Callable[[str], Server]]]:
    """A system on three primaries with a replica each; and who serves a meeting."""
    with cluster(replicas=1) as nodes, servers(1) as (queues,):
        settings = {**SETTINGS, "HUBBUB_JOBS__REDIS_URL": queues.url}
        with running_system(folder / "log", "--redis", nodes.url, **settings) as system:
            yield system, lambda meeting: nodes.serving(key_of(meeting))


def key_of(meeting: str) -> str:
    return keys.stream(Meeting("default", meeting).shard(SHARDS), Stream.AUDIO)


@contextmanager
def behind_sentinels(folder: Path) -> Iterator[tuple[System, Callable[[str], Server]]]:
    """A system on a primary with a replica, watched by three Sentinels; and who is the primary."""
    with servers(2) as (primary, replica):
        follow(replica, primary.port)
        watchers = [Sentinel(primary, "hubbub", quorum=2) for _ in range(3)]
        try:
            for watcher in watchers:
                watcher.start()
            until("the Sentinels know each other", lambda: all(map(knows_the_others, watchers)))
            places = ",".join(f"127.0.0.1:{watcher.port}" for watcher in watchers)
            url = f"redis+sentinel://{places}/hubbub"
            with running_system(folder / "log", "--redis", url, **SETTINGS) as system:
                yield system, lambda _: primary
        finally:
            for watcher in watchers:
                watcher.close()


def knows_the_others(watcher: Sentinel) -> bool:
    (found,) = watcher.client.execute_command("SENTINEL", "MASTERS")
    facts = found if isinstance(found, dict) else dict(zip(found[::2], found[1::2], strict=True))
    facts = {(k.decode() if isinstance(k, bytes) else k): v for k, v in facts.items()}
    return int(facts["num-other-sentinels"]) == 2 and int(facts["num-slaves"]) == 1


def told(results: list[Result]) -> dict[str, list[object]]:
    """What readers rely on: finals, phrases, and when somebody spoke."""
    return {
        "finals": [(final.start_ms, final.text) for final in finals(results)],
        "phrases": sorted(r.phrase for r in results if isinstance(r, Keyword)),
        "activity": [(r.track, r.state, r.start_ms) for r in results if isinstance(r, Activity)],
        "gaps": [r.reason for r in results if isinstance(r, Status) and r.event == "gap"],
    }


@pytest.mark.parametrize("place", [on_a_cluster, behind_sentinels])
def test_a_killed_primary_costs_nothing(
    place: Callable[..., Iterator[tuple[System, Callable[[str], Server]]]], clip: Path, tmp_path: Path
) -> None:
    with place(tmp_path) as (system, serving):  # type: ignore[attr-defined]  # both are context managers
        assert play(system, [clip], "calm", "--format", "json").wait(180) == 0
        undisturbed = system.finished("calm-0", within_s=180)
        player = play(system, [clip], "struck", "--format", "json")
        time.sleep(8)
        primary = serving("struck-0")
        primary.kill()
        time.sleep(6)
        primary.start()  # it comes back as a replica, for which commits and acknowledgements wait
        assert player.wait(240) == 0
        results = system.finished("struck-0", within_s=240)
        assert told(results) == told(undisturbed)
        ids = [result.id for result in results]
        assert len(ids) == len(set(ids))
