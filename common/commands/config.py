"""`hubbub config`: the settings in force."""

import orjson
import typer

from common.settings import load_settings


def config() -> None:
    """Print the settings in force as JSON, secrets masked."""
    settings = load_settings().model_dump(mode="json")
    typer.echo(orjson.dumps(settings, option=orjson.OPT_INDENT_2).decode())
