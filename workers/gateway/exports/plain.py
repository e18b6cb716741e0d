"""What stands for a speaker and an utterance, on one line of any format."""

from common.plain import one_line
from common.results import Transcript

NOT_TRANSCRIBED = {"deferred": "[not transcribed yet]", "lost": "[not transcribed]"}
"""What stands for an utterance without a text, by its status."""


def speaker_name(line: Transcript) -> str:
    """How the speaker is called, on one line."""
    return one_line(line.speaker.name) or one_line(line.speaker.id) or "Unknown speaker"


def spoken(line: Transcript) -> str:
    """The text of an utterance, or a note that says why there is none."""
    return NOT_TRANSCRIBED.get(line.status) or one_line(line.text)
