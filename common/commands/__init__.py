"""The commands of `hubbub` that need no knowledge of speech."""

from typing import Annotated

import typer

RedisOption = Annotated[str | None, typer.Option("--redis", help="The Redis to look at.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for machines.")]
