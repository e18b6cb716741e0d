"""Plain text: a line per utterance."""

from common.plain import clock
from workers.gateway.exports.plain import speaker_name, spoken
from workers.gateway.transcript import TranscriptDocument


def to_text(document: TranscriptDocument) -> str:
    """`[00:01:05] Ann: text`, a line each."""
    return "".join(
        f"[{clock(line.start_ms)}] {speaker_name(line)}: {spoken(line)}\n" for line in document.lines
    )
