"""Subtitles: WebVTT (https://www.w3.org/TR/webvtt1/) and SubRip."""

from html import escape

from workers.gateway.exports.cues import Cue, cues
from workers.gateway.transcript import TranscriptDocument

_SRT_LOOKALIKES = str.maketrans({"<": "\u2039", ">": "\u203a", "{": "(", "}": ")"})
"""SubRip has no escapes, yet players obey tags in it: look-alikes stand in for what opens them."""


def to_vtt(document: TranscriptDocument) -> str:
    """Cues with a voice tag, and a time stamp before each word after the first."""
    blocks = ["WEBVTT"]
    for cue in cues(document.lines):
        times = f"{_stamp(cue.start_ms, '.')} --> {_stamp(cue.end_ms, '.')}"
        blocks.append(f"{times}\n<v {escape(cue.speaker, quote=False)}>{_karaoke(cue)}")
    return "\n\n".join(blocks) + "\n"


def to_srt(document: TranscriptDocument) -> str:
    """Numbered cues, the speaker before the text."""
    blocks = []
    for number, cue in enumerate(cues(document.lines), start=1):
        times = f"{_stamp(cue.start_ms, ',')} --> {_stamp(cue.end_ms, ',')}"
        text = f"{cue.speaker}: {cue.text}".translate(_SRT_LOOKALIKES)
        blocks.append(f"{number}\n{times}\n{text}\n")
    return "\n".join(blocks)


def _karaoke(cue: Cue) -> str:
    """The words, each with the time it is said where that lies within the cue, as the format demands."""
    parts = [escape(cue.words[0].text, quote=False)]
    last_ms = cue.start_ms
    for word in cue.words[1:]:
        if last_ms < word.start_ms < cue.end_ms:
            parts.append(f"<{_stamp(word.start_ms, '.')}>{escape(word.text, quote=False)}")
            last_ms = word.start_ms
        else:
            parts.append(escape(word.text, quote=False))
    return " ".join(parts)


def _stamp(position_ms: int, decimal_mark: str) -> str:
    seconds, ms = divmod(position_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{decimal_mark}{ms:03}"
