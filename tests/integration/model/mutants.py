"""Scripts with one thing wrong each. A test that lets one live proves less than it says."""

import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from _pytest.mark import ParameterSet

from common.streams import scripts


@dataclass(frozen=True)
class Mutant:
    """A line of mutants.toml."""

    name: str
    script: str
    old: str
    new: str
    swift: bool = False

    def __str__(self) -> str:
        return f"{self.script}: {self.name}"

    def source(self) -> str:
        """The script with the mistake in it. Fails where the edit does not apply any more."""
        text = scripts.script_source(self.script)
        assert text.count(self.old) == 1, f"mutant {self.name!r} is no edit of {self.script}.lua any more"
        return text.replace(self.old, self.new)


def mutants(of: str) -> list[ParameterSet]:
    """Those of the scripts that `of` is about: "owners", "members", "streams" or "sources"."""
    listed = tomllib.loads(Path(__file__).with_name("mutants.toml").read_text())
    found = [Mutant(**mutant) for mutant in listed[of]]
    return [
        pytest.param(mutant, id=str(mutant), marks=() if mutant.swift else pytest.mark.mutants)
        for mutant in found
    ]


@contextmanager
def in_force(mutant: Mutant) -> Iterator[None]:
    """The product uses the mutant, wherever it has the scripts from."""
    wrong, right = mutant.source(), scripts.script_source

    def source(name: str) -> str:
        return wrong if name == mutant.script else right(name)

    with pytest.MonkeyPatch.context() as patch:
        for module in _users(right):
            patch.setattr(module, "script_source", source)
        scripts._digest.cache_clear()
        yield
    scripts._digest.cache_clear()


def _users(function: object) -> list[ModuleType]:
    modules = [module for name, module in sys.modules.items() if name.startswith("common.")]
    return [module for module in modules if getattr(module, "script_source", None) is function]
