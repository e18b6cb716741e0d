from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from common.cli import app
from common.commands.up import parse_scale
from common.errors import SettingsError
from common.settings import load_settings


def test_flags_win_over_the_environment_and_that_over_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "hubbub.toml"
    file.write_text("shards = 3\n[vad]\nendpoint_ms = 111\npreroll_ms = 222\n")
    monkeypatch.setenv("HUBBUB_CONFIG", str(file))
    monkeypatch.setenv("HUBBUB_VAD__ENDPOINT_MS", "333")
    settings = load_settings(redis={"url": "redis://elsewhere"})
    assert (settings.shards, settings.vad.endpoint_ms, settings.vad.preroll_ms) == (3, 333, 222)
    assert settings.redis.url.get_secret_value() == "redis://elsewhere"


def test_everything_wrong_is_listed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_SHARDS", "0")
    monkeypatch.setenv("HUBBUB_VAD__ENDPOINT_MS", "soon")
    with pytest.raises(SettingsError, match=r"(?s)shards.*vad\.endpoint_ms"):
        load_settings()


def test_an_unknown_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_VAD__ENDPIONT_MS", "500")
    with pytest.raises(SettingsError, match="endpiont_ms"):
        load_settings()


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HUBBUB_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(SettingsError, match=r"none\.toml"):
        load_settings()


def test_config_prints_what_is_in_force_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_REDIS__URL", "redis://user:hunter2@host/0")
    printed = CliRunner().invoke(app, ["config"]).stdout
    assert "hunter2" not in printed
    assert orjson.loads(printed)["vad"]["endpoint_ms"] == load_settings().vad.endpoint_ms


def test_scale_names_pools_and_counts() -> None:
    assert parse_scale("vad=3,jobs=0")["vad"] == 3
    assert parse_scale("vad=3,jobs=0")["jobs"] == 0
    assert parse_scale("")["emitter"] == 1


@pytest.mark.parametrize("text", ["vat=1", "vad", "vad=-1", "vad=two"])
def test_scale_that_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="POOL=COUNT"):
        parse_scale(text)
