"""How well the rules tell what is worth writing down, on sentences with labels.

    python -m benchmarks.highlights [--show]

Each sentence is an utterance of its own. A question counts as found where it is taken for one that
wants an answer; whether it was left open is for the conversation to tell, and for the tests.
"""

import argparse
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import machine_line
from workers.jobs.highlights.actions import action_item
from workers.jobs.highlights.decisions import is_decision
from workers.jobs.highlights.questions import question_in
from workers.jobs.highlights.sentences import Sentence

SENTENCES = Path(__file__).with_name("highlight_sentences.toml")
KINDS = ("action_item", "decision", "question")


@dataclass(frozen=True, slots=True)
class Label:
    """What somebody would write down of a sentence."""

    kind: str
    owner: str
    due: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A sentence, what is right, and what was found."""

    text: str
    expected: Label
    found: Label


def judge(text: str) -> Label:
    action = action_item(text, speaker="me")
    if action is not None:
        return Label("action_item", action.owner, action.due)
    if is_decision(text):
        return Label("decision", "", "")
    return Label("question" if question_in([Sentence(text, 0, 0)]) else "none", "", "")


def outcomes(rows: Sequence[Sequence[str]]) -> list[Outcome]:
    return [Outcome(text, Label(kind, owner, due), judge(text)) for kind, owner, due, text in rows]


def figures(of: Sequence[Outcome], kind: str) -> tuple[int, int, int]:
    """Right, found, and to be found."""
    found = [one for one in of if one.found.kind == kind]
    right = [one for one in found if one.expected.kind == kind]
    return len(right), len(found), sum(one.expected.kind == kind for one in of)


def table(part: str, of: Sequence[Outcome]) -> None:
    print(f"\n{part}: {len(of)} sentences")
    print(f"{'kind':<14}{'labelled':>9}{'found':>7}{'precision':>11}{'recall':>8}")
    for kind in KINDS:
        right, found, labelled = figures(of, kind)
        print(f"{kind:<14}{labelled:>9}{found:>7}{right / max(1, found):>11.2f}{right / labelled:>8.2f}")
    actions = [one for one in of if one.found.kind == one.expected.kind == "action_item"]
    for name in ("owner", "due"):
        right = sum(getattr(one.found, name) == getattr(one.expected, name) for one in actions)
        print(f"{name} right in {right} of {len(actions)} action items found")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--show", choices=["tuning", "held_out"], help="print the mistakes of a part")
    show = parser.parse_args().show
    print(machine_line([]))
    for part, rows in tomllib.loads(SENTENCES.read_text()).items():
        of = outcomes(rows)
        table(part, of)
        for one in of if part == show else ():
            if one.found != one.expected:
                print(f"  {one.text}\n    expected {one.expected}\n    found    {one.found}")


if __name__ == "__main__":
    main()
