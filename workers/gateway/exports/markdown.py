"""Markdown: a heading, and a paragraph per turn of a speaker."""

from datetime import UTC, datetime
from itertools import groupby

from common.plain import clock, markdown
from common.results import Transcript
from workers.gateway.exports.plain import speaker_name, spoken
from workers.gateway.transcript import TranscriptDocument


def to_markdown(document: TranscriptDocument) -> str:
    """Speakers in bold with the time; successive utterances of a speaker make one paragraph."""
    turns = groupby(document.lines, key=lambda line: (line.speaker.id, speaker_name(line)))
    parts = [f"# {markdown(document.meeting)}", _subtitle(document)]
    parts += [_turn(list(lines)) for _, lines in turns]
    return "\n\n".join(parts) + "\n"


def _subtitle(document: TranscriptDocument) -> str:
    started = datetime.fromtimestamp(document.started_at_ms / 1000, UTC)
    state = "" if document.ended else ", so far"
    return f"*{started:%Y-%m-%d %H:%M} UTC{state}*"


def _turn(lines: list[Transcript]) -> str:
    text = " ".join(markdown(spoken(line)) for line in lines)
    return f"**{markdown(speaker_name(lines[0]))}** ({clock(lines[0].start_ms)}): {text}"
