import asyncio
import os
from dataclasses import replace

import pytest
import typer
from results_of_a_meeting import small_meeting

from common.errors import HubbubError
from ingest.demo import command
from ingest.demo.board import Board
from ingest.demo.summary import summarise

GOOD = replace(summarise(Board(), small_meeting(), 1.0), problems=())


@pytest.fixture(autouse=True)
def logs(tmp_path, monkeypatch):
    """Where the demo leaves its log."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return lambda: list(tmp_path.glob("hubbub-demo-*.log"))


def demo_with(show, monkeypatch):
    monkeypatch.setattr(command, "show", show)
    command.demo()


def test_a_meeting_captioned_whole_ends_with_a_summary_and_no_log(monkeypatch, capsys, logs):
    async def show(*_):
        return GOOD

    demo_with(show, monkeypatch)
    assert "0 of 2 key phrases" in capsys.readouterr().out
    assert logs() == []


def test_what_is_missing_is_an_error_that_names_the_log(monkeypatch, capsys, logs):
    async def show(*_):
        return replace(GOOD, problems=("3 of 22 utterances have no final caption",))

    with pytest.raises(HubbubError, match="3 of 22 utterances") as failure:
        demo_with(show, monkeypatch)
    assert str(logs()[0]) in str(failure.value)
    assert "summary" in capsys.readouterr().out


def test_a_system_that_fails_is_an_error_that_names_the_log(monkeypatch, logs):
    async def show(*_):
        raise HubbubError("vad-0 ended 5 times in a row")

    with pytest.raises(HubbubError, match="vad-0 ended 5 times") as failure:
        demo_with(show, monkeypatch)
    assert str(logs()[0]) in str(failure.value)


@pytest.mark.parametrize("number", command.STOPPING)
def test_a_signal_lets_the_show_clean_up(number, monkeypatch, capsys, logs):
    cleaned = []

    async def show(*_):
        os.kill(os.getpid(), number)
        try:
            await asyncio.Event().wait()
        finally:
            os.kill(os.getpid(), number)  # once more, impatiently
            await asyncio.sleep(0.01)
            cleaned.append(True)

    with pytest.raises(typer.Exit) as stopped:
        demo_with(show, monkeypatch)
    assert stopped.value.exit_code == command.INTERRUPTED
    assert cleaned == [True]
    assert "everything is stopped" in capsys.readouterr().out
    assert logs() == []
