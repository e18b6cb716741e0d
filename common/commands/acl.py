"""`hubbub acl`: rules with which Redis lets each pool do its own work and no more."""

import os
import secrets
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from common.errors import InvalidInput
from common.streams.permissions import DUTIES, rule

_PASSWORD = "REDIS_PASSWORD_"  # noqa: S105  # how the names of variables begin

PasswordsOption = Annotated[
    Path | None,
    typer.Option(
        "--passwords",
        help=f"File with {_PASSWORD}VAD=… and so on; passwords that it lacks are made and added. "
        "Their SHA-256 goes into the rules.",
    ),
]


def acl(passwords: PasswordsOption = None) -> None:
    """Print a Redis user for each pool, for operators and for readers of results, as lines of an ACL file.

    Without passwords: a user that is there keeps its own, a new one cannot log in before it is given one.
    """
    try:
        known = {} if passwords is None else _completed(passwords)
    except OSError as error:
        raise InvalidInput(f"{passwords}: {error.strerror}") from error
    for name in DUTIES:
        typer.echo(rule(name, sha256(known[name].encode()).hexdigest() if known else ""))


def _completed(path: Path) -> Mapping[str, str]:
    """The passwords in a file, by user, with new ones added for those who had none. Raises InvalidInput."""
    text = path.read_text() if path.exists() else ""
    known = _parse(path, text)
    made = {name: secrets.token_urlsafe(32) for name in DUTIES if name not in known}
    if made:
        lines = [f"{_variable(name)}={password}\n" for name, password in made.items()]
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
            file.write("".join(["\n" if text and not text.endswith("\n") else "", *lines]))
    return known | made


def _parse(path: Path, text: str) -> dict[str, str]:
    """Raises InvalidInput, which shows nothing of what is in the file."""
    variables = {_variable(name): name for name in DUTIES}
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        variable, _, password = line.strip().partition("=")
        if not variable or variable.startswith("#"):
            continue
        if variable not in variables or not password:
            raise InvalidInput(f"{path}, line {number}: want a line such as {_variable('vad')}=…")
        found[variables[variable]] = password
    return found


def _variable(name: str) -> str:
    return f"{_PASSWORD}{name.upper()}"
