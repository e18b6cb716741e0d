"""What operators apply names every pool, and what newcomers install holds no torch."""

import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from common.streams.permissions import user_of
from common.topology import POOLS

ROOT = Path(__file__).parents[1]


def test_the_procfile_runs_every_pool() -> None:
    lines = (ROOT / "Procfile").read_text().splitlines()
    assert sorted(lines) == sorted(f"{pool}: hubbub {pool}" for pool in POOLS)


def test_compose_runs_every_pool_against_a_redis_that_refuses_rather_than_evicts() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    redis = services.pop("redis")
    assert redis["command"][-2:] == ["--maxmemory-policy", "noeviction"]
    assert {name: service["command"] for name, service in services.items()} == {p: [p] for p in POOLS}
    for service in services.values():
        assert service["environment"]["HUBBUB_REDIS__URL"] == "redis://redis:6379/0"
        assert service["depends_on"] == {"redis": {"condition": "service_healthy"}}


def test_compose_can_give_every_pool_a_redis_user_of_its_own() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "redis-users.yml").read_text())["services"]
    plain = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["redis"]["command"]
    assert {*plain} < {*services.pop("redis")["command"]}
    assert services.keys() == {*POOLS}
    for pool, service in services.items():
        password = f"${{REDIS_PASSWORD_{pool.upper()}:?see the head of this file}}"
        url = f"redis://{user_of(pool)}:{password}@redis:6379/0"
        assert service["environment"] == {"HUBBUB_REDIS__URL": url}


def test_compose_publishes_nothing_beyond_this_machine() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


@pytest.mark.skipif(shutil.which("docker") is None, reason="no docker client here")
def test_docker_accepts_the_compose_file() -> None:
    client = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if client.returncode != 0:
        pytest.skip("the docker client here has no compose")
    command = ["docker", "compose", "-f", str(ROOT / "docker-compose.yml"), "config", "--quiet"]
    found = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={"HUBBUB_TOKEN": "x", "PATH": "/usr/bin:/bin"},
    )
    assert found.returncode == 0, found.stderr


def test_the_local_installation_holds_no_torch() -> None:
    wanted = closure("hubbub", "local")
    assert "faster-whisper" in wanted
    assert not {name for name in wanted if name.startswith(("torch", "nvidia", "triton"))}


def closure(package: str, extra: str) -> set[str]:
    """All that an extra of an installed package brings in."""
    found: set[str] = set()
    waiting = [(package, extra)]
    while waiting:
        name, wanted = waiting.pop()
        try:
            lines = requires(name) or []
        except PackageNotFoundError:
            continue
        for requirement in map(Requirement, lines):
            marker = requirement.marker
            key = re.sub(r"[-_.]+", "-", requirement.name).lower()
            if key not in found and (marker is None or marker.evaluate({"extra": wanted})):
                found.add(key)
                waiting += [(key, extra) for extra in requirement.extras or {""}]
    return found
