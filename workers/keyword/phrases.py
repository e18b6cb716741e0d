"""The phrases to listen for: read from configuration, checked, and made ready for matching."""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from common.errors import SettingsError
from common.settings import KeywordSettings, PhraseSettings
from workers.keyword.wording import spoken_words

MAX_PHRASES = 200
_DEFAULT = "phrases.toml"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase, and the other wordings that count as it. `threshold` of 0 leaves the choice to us."""

    text: str
    category: str
    also: tuple[str, ...] = ()
    threshold: float = 0.0

    @property
    def wordings(self) -> tuple[str, ...]:
        """All that may be said for it."""
        return (self.text, *self.also)

    @property
    def slug(self) -> str:
        """Names the phrase in ids."""
        return "-".join(spoken_words(self.text))


def load_phrases(settings: KeywordSettings) -> tuple[Phrase, ...]:
    """The configured phrases, else those of the configured file, else the default ones.

    Raises SettingsError that lists everything wrong with them.
    """
    if settings.phrases:
        return _checked(settings.phrases, "keyword.phrases")
    if settings.phrases_file is not None:
        return _checked(_read(settings.phrases_file), str(settings.phrases_file))
    return _checked(_parse(files(__package__).joinpath(_DEFAULT).read_text("utf-8"), _DEFAULT), _DEFAULT)


def _read(path: Path) -> list[PhraseSettings]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"keyword.phrases_file: cannot read {path}: {error}") from error
    return _parse(text, str(path))


def _parse(text: str, source: str) -> list[PhraseSettings]:
    try:
        tables = tomllib.loads(text)
        return TypeAdapter(list[PhraseSettings]).validate_python(tables.get("phrases"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{source}: not TOML: {error}") from error
    except ValidationError as error:
        problems = [f"phrases.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise SettingsError(f"{source}: {'; '.join(problems)}") from error


def _checked(configured: Sequence[PhraseSettings], source: str) -> tuple[Phrase, ...]:
    phrases = tuple(Phrase(one.text, one.category, one.also, one.threshold) for one in configured)
    problems = list(_problems(phrases))
    if problems:
        raise SettingsError(f"{source}: {'; '.join(problems)}")
    return phrases


def _problems(phrases: Sequence[Phrase]) -> Iterable[str]:
    if not 1 <= len(phrases) <= MAX_PHRASES:
        yield f"{len(phrases)} phrases: want 1 to {MAX_PHRASES}"
    owners: dict[str, str] = {}
    for phrase in phrases:
        for wording in phrase.wordings:
            said = " ".join(spoken_words(wording))
            if not said:
                yield f"{wording!r} has no word in it"
            elif said in owners:
                yield f"{wording!r} of {phrase.text!r} is already a wording of {owners[said]!r}"
            owners[said] = phrase.text
