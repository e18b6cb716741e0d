"""Synthesises the meeting that `hubbub demo` plays: ingest/demo/meeting.ogg and meeting.json.

    apt-get install flite
    pip install -r deploy/demo/requirements.txt
    python deploy/demo/build.py [--stems FOLDER]

The same versions give the same files. It fails where tiny.en mishears more than 3 % of the words,
in which case the script wants other words.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from listen import Heard, Listener, find, text_of
from mix import Label, Span, labels, mix, place, stems
from script import LINES, VOICES
from voices import RATE, Audio, say

DEMO = Path(__file__).parents[2] / "ingest" / "demo"
BITRATE = 40_000
MOST_ERRORS = 0.03


def main() -> None:
    """Render, mix, listen, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--stems", type=Path, help="also write one FLAC a speaker, unmixed, into this folder")
    arguments = parser.parse_args()
    voices = {voice.id: voice for voice in VOICES}
    spoken = [say(line, voices[line.speaker]) for line in LINES]
    spans = place(LINES, spoken)
    tracks = stems(LINES, spoken, spans)
    meeting, timeline = mix(tracks), labels(tracks)
    listener = Listener()
    heard = [listener.hear(audio) for audio in spoken]
    _report("line by line", listener, list(zip((line.text for line in LINES), heard, strict=True)))
    _report("mixed, cut at the labels", listener, [_in_labels(listener, meeting, timeline)])
    _write_audio(meeting)
    _write_description(spans, timeline, heard)
    if arguments.stems is not None:
        _write_stems(arguments.stems, tracks)


def _in_labels(listener: Listener, meeting: Audio, timeline: Sequence[Label]) -> tuple[str, list[Heard]]:
    """The whole text, and what is heard of it in the pieces that carry a speaker's label."""
    spoken = [label.span for label in timeline if label.speaker]
    pieces = [meeting[span.start_ms * RATE // 1000 : span.end_ms * RATE // 1000] for span in spoken]
    return " ".join(line.text for line in LINES), [word for piece in pieces for word in listener.hear(piece)]


def _report(title: str, listener: Listener, pairs: Sequence[tuple[str, list[Heard]]]) -> None:
    errors = words = 0
    for text, heard in pairs:
        wrong, length = listener.word_errors(text, heard)
        errors, words = errors + wrong, words + length
        if wrong:
            sys.stderr.write(f"  wanted {text}\n  heard  {text_of(heard)}\n")
    sys.stderr.write(f"{title}: {errors} of {words} words misheard\n")
    if errors > MOST_ERRORS * words:
        raise SystemExit("not intelligible enough")


def _write_audio(meeting: Audio) -> None:
    """Ogg Opus. `bitexact` fixes the stream's serial number, which is random otherwise."""
    pcm = np.round(meeting * 32767).astype(np.int16)
    with av.open(str(DEMO / "meeting.ogg"), "w", format="ogg", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libopus", rate=RATE, layout="mono")
        stream.bit_rate = BITRATE
        frame = av.AudioFrame.from_ndarray(pcm[None, :], format="s16", layout="mono")
        frame.sample_rate = RATE
        container.mux([*stream.encode(frame), *stream.encode(None)])


def _write_description(
    spans: Sequence[Span], timeline: Sequence[Label], heard: Sequence[Sequence[Heard]]
) -> None:
    turns = [
        {"speaker": line.speaker, **asdict(span), "mood": line.delivery.mood, "text": line.text}
        for line, span in zip(LINES, spans, strict=True)
    ]
    keywords = [
        {"phrase": phrase, "turn": i, **_shifted(find(phrase, heard[i]), spans[i].start_ms)}
        for i, line in enumerate(LINES)
        for phrase in line.keywords
    ]
    description = {
        "title": "Product meeting",
        "audio": "meeting.ogg",
        "duration_ms": timeline[-1].span.end_ms,
        "speakers": [{"id": voice.id, "name": voice.name} for voice in VOICES],
        "turns": turns,
        "labels": [{"speaker": label.speaker, **asdict(label.span)} for label in timeline],
        "keywords": keywords,
    }
    (DEMO / "meeting.json").write_text(_a_line_each(description), encoding="utf-8")


def _a_line_each(description: dict[str, Any]) -> str:
    """JSON with one item of each list a line, which reads well and makes small diffs."""
    parts = []
    for name, value in description.items():
        if isinstance(value, list):
            items = ",\n  ".join(json.dumps(item, ensure_ascii=False) for item in value)
            parts.append(f'"{name}": [\n  {items}\n ]')
        else:
            parts.append(f'"{name}": {json.dumps(value)}')
    return "{\n " + ",\n ".join(parts) + "\n}\n"


def _shifted(span: Span, by_ms: int) -> dict[str, int]:
    return {"start_ms": span.start_ms + by_ms, "end_ms": span.end_ms + by_ms}


def _write_stems(folder: Path, tracks: dict[str, Audio]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, track in tracks.items():
        soundfile.write(folder / f"{name}.flac", track, RATE)


if __name__ == "__main__":
    main()
