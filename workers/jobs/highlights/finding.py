"""What one utterance says that is worth coming back to, by its words alone."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from common.results import Highlight, Transcript
from workers.jobs.highlights.actions import NOBODYS, Action, action_item
from workers.jobs.highlights.decisions import is_decision
from workers.jobs.highlights.sentences import Sentence, sentences


def highlight(said: Transcript, sentence: Sentence, kind: str, action: Action = NOBODYS) -> Highlight:
    """The result."""
    return Highlight(
        id=f"{said.utterance}/highlight/{kind}",
        tenant=said.tenant,
        meeting=said.meeting,
        track=said.track,
        speaker=said.speaker,
        start_ms=sentence.start_ms,
        end_ms=sentence.end_ms,
        kind=kind,  # type: ignore[arg-type]  # the callers name its values
        text=sentence.text,
        utterance=said.utterance,
        owner=action.owner,
        due=action.due,
    )


def bound_and_settled(said: Transcript) -> Iterator[Highlight]:
    """Action items and decisions, in order. A sentence that is both is an action item.

    The second of a kind in an utterance has its number in its id.
    """
    count: Counter[str] = Counter()
    for sentence in sentences(said):
        action = action_item(sentence.text, speaker=said.speaker.name)
        if action is not None:
            found = highlight(said, sentence, "action_item", action)
        elif is_decision(sentence.text):
            found = highlight(said, sentence, "decision")
        else:
            continue
        count[found.kind] += 1
        number = count[found.kind]
        yield found if number == 1 else replace(found, id=f"{found.id}/{number}")
