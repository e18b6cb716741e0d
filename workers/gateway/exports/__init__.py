"""Transcripts as files for people and players: pure functions from a transcript to text."""

from collections.abc import Callable

from workers.gateway.exports.markdown import to_markdown
from workers.gateway.exports.subtitles import to_srt, to_vtt
from workers.gateway.exports.text import to_text
from workers.gateway.transcript import TranscriptDocument

Export = Callable[[TranscriptDocument], str]

EXPORTS: dict[str, tuple[str, Export]] = {
    "vtt": ("text/vtt", to_vtt),
    "srt": ("application/x-subrip", to_srt),
    "txt": ("text/plain", to_text),
    "md": ("text/markdown", to_markdown),
}
"""File name extension to media type and writer."""
