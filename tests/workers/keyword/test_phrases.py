"""Phrases come from configuration, and what is wrong with it is said at once."""

from pathlib import Path

import pytest

from common.errors import SettingsError
from common.settings import KeywordSettings, PhraseSettings
from workers.engines.cmudict import Pronunciations
from workers.keyword.phrases import load_phrases
from workers.keyword.pool import spottable, threshold


def written(folder: Path, text: str) -> KeywordSettings:
    path = folder / "phrases.toml"
    path.write_text(text)
    return KeywordSettings(phrases_file=path)


def test_without_configuration_there_are_useful_phrases() -> None:
    phrases = load_phrases(KeywordSettings())
    assert {"next slide", "follow up", "action item", "let's schedule"} <= {p.text for p in phrases}
    assert {p.category for p in phrases} >= {"navigation", "action", "scheduling", "decision", "question"}
    assert len(spottable(phrases, Pronunciations().of)) == len(phrases)


def test_a_file_replaces_them(tmp_path: Path) -> None:
    settings = written(
        tmp_path, '[[phrases]]\ntext = "ship it"\ncategory = "go"\nalso = ["send it"]\nthreshold = 1e-9\n'
    )
    (phrase,) = load_phrases(settings)
    assert (phrase.text, phrase.category, phrase.wordings) == ("ship it", "go", ("ship it", "send it"))
    assert spottable((phrase,), Pronunciations().of)["ship it"].threshold == 1e-9


def test_inline_phrases_come_before_a_file(tmp_path: Path) -> None:
    inline = KeywordSettings(
        phrases=(PhraseSettings(text="ship it"),), phrases_file=tmp_path / "there is none.toml"
    )
    assert [phrase.text for phrase in load_phrases(inline)] == ["ship it"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[phrases]]\n", "phrases.0.text: Field required"),
        ('[[phrases]]\ntext = "a b"\nthreshold = 7\n', "phrases.0.threshold"),
        ('[[phrases]]\ntext = "a b"\ntreshold = 0.5\n', "phrases.0.treshold: Extra inputs"),
        ('[[phrases]]\ntext = "??"\n', "'??' has no word in it"),
        ('[[phrases]]\ntext = "Go on"\n[[phrases]]\ntext = "go on!"\n', "already a wording of 'Go on'"),
        ('[[phrases]]\ntext = "go"\nalso = ["on it"]\n[[phrases]]\ntext = "on it"\n', "wording of 'go'"),
        ("phrases = []\n", "0 phrases"),
        ("phrases = 3\n", "valid list"),
        ("phrase\n", "not TOML"),
    ],
)
def test_a_bad_file_is_refused_with_a_reason(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_phrases(written(tmp_path, text))
    assert complaint in str(refused.value)
    assert "phrases.toml" in str(refused.value)


def test_all_that_is_wrong_is_listed(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"phrases\.0\.category.*phrases\.1\.text"):
        load_phrases(written(tmp_path, '[[phrases]]\ntext="ab"\ncategory=""\n[[phrases]]\ntext=""\n'))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"phrases_file: cannot read .*none\.toml"):
        load_phrases(KeywordSettings(phrases_file=tmp_path / "none.toml"))


def test_a_word_of_unknown_sound_is_read_but_not_spotted(capsys: pytest.CaptureFixture[str]) -> None:
    phrases = load_phrases(
        KeywordSettings(phrases=(PhraseSettings(text="ask hubbubber"), PhraseSettings(text="next slide")))
    )
    assert list(spottable(phrases, Pronunciations().of)) == ["next slide"]
    said = capsys.readouterr().out
    assert "phrase_not_spotted" in said
    assert "hubbubber" in said


def test_a_short_phrase_must_fit_better_than_a_long_one() -> None:
    assert threshold(3) == threshold(4) > threshold(6) > threshold(9) == threshold(20) > 0
