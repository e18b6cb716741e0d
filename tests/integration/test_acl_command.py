"""`hubbub acl`, as an operator uses it."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError
from typer.testing import CliRunner

from common.cli import app
from common.errors import InvalidInput
from common.topology import POOLS
from tests.cluster.servers import Server

pytestmark = pytest.mark.integration
USERS = [f"hubbub-{name}" for name in (*POOLS, "operator", "reader")]


def printed(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["acl", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


@contextmanager
def serving(rules: str, folder: Path) -> Iterator[Server]:
    """A server whose ACL file has these lines."""
    (folder / "users.acl").write_text(rules)
    server = Server("--aclfile", str(folder / "users.acl"))
    try:
        server.start()
        yield server
    finally:
        server.close()


def log_in(server: Server, user: str, password: str) -> None:
    with Redis(port=server.port, username=user, password=password) as client:
        client.ping()


def passwords_in(file: Path) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in file.read_text().splitlines() if line)
    return {f"hubbub-{name.removeprefix('REDIS_PASSWORD_').lower()}": value for name, value in pairs}


def test_its_lines_are_an_acl_file_and_the_passwords_it_made_let_in(tmp_path: Path) -> None:
    file = tmp_path / "redis.env"
    rules = printed("--passwords", str(file))
    assert [line.split()[1] for line in rules.splitlines()] == USERS
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    passwords = passwords_in(file)
    assert len(set(passwords.values())) == len(USERS)
    assert not any(password in rules for password in passwords.values())
    with serving(rules, tmp_path) as server:
        for user, password in passwords.items():
            log_in(server, user, password)
            with pytest.raises(AuthenticationError):
                log_in(server, user, password + "x")


def test_passwords_that_are_there_stay_and_those_that_lack_are_added(tmp_path: Path) -> None:
    file = tmp_path / "redis.env"
    file.write_text("# ours\nREDIS_PASSWORD_VAD=mine=1")
    rules = printed("--passwords", str(file))
    assert file.read_text().startswith("# ours\nREDIS_PASSWORD_VAD=mine=1\nREDIS_PASSWORD_INGEST=")
    assert printed("--passwords", str(file)) == rules
    with serving(rules, tmp_path) as server:
        log_in(server, "hubbub-vad", "mine=1")


def test_without_passwords_a_new_user_cannot_log_in_and_one_that_is_there_keeps_its_own(
    tmp_path: Path,
) -> None:
    rules = printed()
    with serving(rules, tmp_path) as server:
        with pytest.raises(AuthenticationError):
            log_in(server, "hubbub-vad", "")
        server.client.execute_command("ACL SETUSER", "hubbub-vad", ">set by hand", "+flushall", "~*")
        for line in rules.splitlines():
            server.client.execute_command("ACL SETUSER", *line.split()[1:])
        log_in(server, "hubbub-vad", "set by hand")
        answer = server.client.execute_command("ACL DRYRUN", "hubbub-vad", "FLUSHALL")
        assert "no permissions" in str(answer)


@pytest.mark.parametrize("line", ["hunter2", "REDIS_PASSWORD_VADD=hunter2", "REDIS_PASSWORD_VAD="])
def test_a_file_that_is_no_list_of_passwords_is_left_alone_and_not_shown(tmp_path: Path, line: str) -> None:
    file = tmp_path / "redis.env"
    file.write_text(f"\n{line}\n")
    with pytest.raises(InvalidInput, match=r"redis\.env, line 2: want") as refused:
        printed("--passwords", str(file))
    assert "hunter2" not in str(refused.value)
    assert file.read_text() == f"\n{line}\n"


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"nowhere/redis\.env: No such file"):
        printed("--passwords", str(tmp_path / "nowhere" / "redis.env"))
