"""Markdown: a heading, and a paragraph per turn of a speaker."""

import re
from datetime import UTC, datetime
from itertools import groupby

from common.results import Transcript
from workers.gateway.exports.plain import clock, one_line, speaker_name, spoken
from workers.gateway.transcript import TranscriptDocument

_SPECIAL = re.compile(r"[\\`*_\[\]|~$<>&@]|(?<=www)\.|:(?=//)", re.IGNORECASE)
"""What has a meaning within a line, in CommonMark and in GitHub's dialect with its automatic links."""


def to_markdown(document: TranscriptDocument) -> str:
    """Speakers in bold with the time; successive utterances of a speaker make one paragraph."""
    turns = groupby(document.lines, key=lambda line: (line.speaker.id, speaker_name(line)))
    parts = [f"# {escape(document.meeting)}", _subtitle(document)]
    parts += [_turn(list(lines)) for _, lines in turns]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Take away the meaning of characters; the result must not stand at the start of a line."""
    return _SPECIAL.sub(r"\\\g<0>", one_line(text))


def _subtitle(document: TranscriptDocument) -> str:
    started = datetime.fromtimestamp(document.started_at_ms / 1000, UTC)
    state = "" if document.ended else ", so far"
    return f"*{started:%Y-%m-%d %H:%M} UTC{state}*"


def _turn(lines: list[Transcript]) -> str:
    text = " ".join(escape(spoken(line)) for line in lines)
    return f"**{escape(speaker_name(lines[0]))}** ({clock(lines[0].start_ms)}): {text}"
