"""What an endpoint costs in words and time: finals of utterances cut by it, with and without left context.

    python -m benchmarks.endpointing --manifest ../shared/speech/asr/manifest.jsonl --endpoints 250 700

Clips run through the vad in chunks of 100 ms, each with two seconds of near-silence behind it. Every
utterance becomes one final, made from the speech and the set length of silence that a draft waits
for; with a lead, from the end of the utterances before it, too. `closed after` is the audio between
the end of speech and the chunk with which the utterance is closed, in ms: an endpoint can not be
told earlier than that, whatever comes after it costs. Words are counted after Whisper's English
normaliser. `--shifts` lets clips begin later, so that chunks and frames fall elsewhere in the same
speech: the spread of errors among shifts is what a difference between rows has to exceed.
"""

import argparse
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.wer import Clip, count, features, machine, read_clips
from common.audio import SAMPLE_RATE, ms_to_samples, samples_to_ms
from common.identity import Meeting, Speaker, Track
from common.messages import AudioChunk, SpeechChunk
from common.settings import VadSettings
from common.stage import Append, Entry, EntryId, Stream
from workers.emitter.lead import Lead, after_lead
from workers.emitter.manner import PADDING_S, manner
from workers.emitter.utterance import PAUSE
from workers.engines.log_mel import FRAMES_PER_S, HOP
from workers.engines.speech import DecodeSettings, Hypothesis
from workers.engines.whisper import Device, WhisperEngine
from workers.engines.whisper_weights import BUNDLED, find_weights
from workers.vad.pool import load_silero
from workers.vad.stage import VadStage

CHUNK = ms_to_samples(100)
SILENCE = 2 * SAMPLE_RATE
LONGEST_PAUSE = 2 * SAMPLE_RATE


@dataclass(frozen=True)
class Spoken:
    """An utterance: where it lies, how long after its speech it was closed, and its features."""

    start: int
    end: int
    spoken_frames: int
    closed_after_ms: int
    frames: NDArray[np.float16]

    def heard(self) -> NDArray[np.float16]:
        """What a final is made from."""
        return self.frames[: self.spoken_frames]


@dataclass(frozen=True)
class Way:
    """How utterances are cut and transcribed."""

    endpoint_ms: int
    lead_s: float
    context_s: int
    beam: int


@dataclass
class Row:
    """What a way came to; `errors` has one figure a shift."""

    way: Way
    words: int = 0
    errors: list[int] = field(default_factory=list)
    closed_after_ms: list[int] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    distrusted: int = 0

    def figures(self) -> dict[str, object]:
        """What is printed and written."""
        return vars(self.way) | {
            "finals": len(self.cpu_ms),
            "wer": round(sum(self.errors) / max(1, self.words), 4),
            "errors": self.errors,
            "closed_after_ms": _p50_p95(self.closed_after_ms),
            "cpu_ms": _p50_p95(self.cpu_ms),
            "distrusted": self.distrusted,
        }


def _p50_p95(values: Sequence[float]) -> list[int]:
    return [round(float(np.percentile(values, share))) for share in (50, 95)] if values else [0, 0]


def shifted(clips: Sequence[Clip], shift_ms: int) -> list[Clip]:
    """Clips between near-silence: so much before, two seconds after."""
    noise = np.random.default_rng(0).normal(0, 3, SILENCE + ms_to_samples(shift_ms)).astype(np.int16)
    before, after = noise[SILENCE:], noise[:SILENCE]
    return [replace(clip, samples=np.concatenate([before, clip.samples, after])) for clip in clips]


def cut(clips: Sequence[Clip], endpoint_ms: int) -> list[list[Spoken]]:
    """The utterances of each clip, as the vad closes them."""
    settings = VadSettings(endpoint_ms=endpoint_ms)
    stage = VadStage(settings, load_silero(settings))
    spoken: list[list[Spoken]] = [[] for _ in clips]
    for offset in range(0, max(len(clip.samples) for clip in clips), CHUNK):
        step = stage.process(list(_chunks(clips, offset)), samples_to_ms(offset))
        for effect in step.effects:
            message = effect.message if isinstance(effect, Append) else None
            if isinstance(message, SpeechChunk) and message.closed:
                number = int(message.track.id)
                spoken[number].append(_spoken(message, clips[number], offset + CHUNK))
    return spoken


def _chunks(clips: Sequence[Clip], offset: int) -> Iterator[Entry]:
    """The chunk at `offset` of every clip that is so long."""
    for number, clip in enumerate(clips):
        samples = clip.samples[offset : offset + CHUNK]
        if len(samples):
            track = Track(Meeting("default", "clips"), str(number), Speaker("", ""))
            over = offset + CHUNK >= len(clip.samples)
            chunk = AudioChunk(track, offset, samples_to_ms(offset), samples.tobytes(), "end" if over else "")
            yield Entry(EntryId(0, Stream.AUDIO, f"{offset}-{number}"), chunk)


def _spoken(closed: SpeechChunk, clip: Clip, heard: int) -> Spoken:
    return Spoken(
        closed.start,
        closed.end,
        (closed.voiced_end + PAUSE - closed.start) // HOP,
        samples_to_ms(heard - closed.voiced_end) if closed.closed == "endpoint" else 0,
        features(clip.samples[closed.start : closed.end]),
    )


def transcribe(engine: WhisperEngine, utterances: Iterable[Spoken], row: Row) -> str:
    """The finals of a track, joined."""
    texts: list[str] = []
    lead: Lead | None = None
    end = 0
    for spoken in utterances:
        before = lead if spoken.start - end <= LONGEST_PAUSE else None
        begun = time.process_time()
        heard = _final(engine, spoken, before, row)
        row.cpu_ms.append((time.process_time() - begun) * 1000)
        texts.append(heard.text)
        follows = before or Lead(spoken.frames[:0], (), FRAMES_PER_S)
        lead, end = follows.then(spoken.frames, heard.words).last(row.way.lead_s), spoken.end
    return " ".join(texts)


def _final(engine: WhisperEngine, spoken: Spoken, before: Lead | None, row: Row) -> Hypothesis:
    frames = spoken.heard()
    settings = manner(len(frames) * HOP, row.way.context_s, beam=row.way.beam).decode
    length_s = len(frames) / FRAMES_PER_S
    lead = before.last(settings.context_s - PADDING_S - length_s) if before else None
    if lead is None:
        return _hear(engine, frames, settings)
    own = after_lead(_hear(engine, lead.window(frames), settings), lead, length_s=length_s)
    if own is None:
        row.distrusted += 1
        return _hear(engine, frames, settings)
    return own


def _hear(engine: WhisperEngine, window: NDArray[np.float16], settings: DecodeSettings) -> Hypothesis:
    (heard,) = engine.transcribe([window], settings, word_times=True)
    return heard


def measure(
    clips: Sequence[Clip], ways: Sequence[Way], shifts: Sequence[int], engine: WhisperEngine
) -> list[Row]:
    rows = [Row(way) for way in ways]
    for shift_ms in shifts:
        moved = shifted(clips, shift_ms)
        spoken = {endpoint_ms: cut(moved, endpoint_ms) for endpoint_ms in {way.endpoint_ms for way in ways}}
        for row in rows:
            tracks = spoken[row.way.endpoint_ms]
            errors, words = count(clips, [transcribe(engine, track, row) for track in tracks])
            row.errors.append(sum(errors.values()))
            row.words += sum(words.values())
            closed = (utterance.closed_after_ms for track in tracks for utterance in track)
            row.closed_after_ms += [after_ms for after_ms in closed if after_ms]
    return rows


def print_rows(rows: Sequence[Row]) -> None:
    best = min(sum(row.errors) / max(1, row.words) for row in rows)
    print(
        f"{'endpoint':>8}{'lead s':>8}{'context':>9}{'beam':>6}{'finals':>8}{'WER':>8}{'to best':>9}"
        f"{'closed after':>14}{'CPU ms':>12}{'alone':>7}  errors by shift"
    )
    for row in rows:
        way, wer = row.way, sum(row.errors) / max(1, row.words)
        closed, cpu = ("/".join(map(str, _p50_p95(values))) for values in (row.closed_after_ms, row.cpu_ms))
        print(
            f"{way.endpoint_ms:8}{way.lead_s:8.1f}{way.context_s:9}{way.beam:6}{len(row.cpu_ms):8}{wer:8.4f}"
            f"{wer / best:9.3f}{closed:>14}{cpu:>12}{row.distrusted:7}  {row.errors}"
        )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--manifest", type=Path, required=True, help="JSON lines with file, text, set")
    parser.add_argument("--endpoints", type=int, nargs="+", default=[200, 250, 300, 700], metavar="MS")
    parser.add_argument("--leads", type=float, nargs="+", default=[0, 4], metavar="S", help="0: none")
    parser.add_argument("--contexts", type=int, nargs="+", default=[12], metavar="S")
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--shifts", type=int, nargs="+", default=[0], metavar="MS")
    parser.add_argument("--every", type=int, default=1, help="take every nth clip only")
    parser.add_argument("--model", default=BUNDLED, help="folder or hub name; the bundled tiny.en by default")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    clips = read_clips(options.manifest)[:: options.every]
    engine = WhisperEngine.load(find_weights(options.model), device=Device(threads=options.threads))
    ways = [Way(*way) for way in product(options.endpoints, options.leads, options.contexts, options.beams)]
    rows = measure(clips, ways, options.shifts, engine)
    seconds = sum(len(clip.samples) for clip in clips) / SAMPLE_RATE
    print(f"{len(clips)} clips, {seconds:.0f} s; {machine(options.threads)}\n")
    print_rows(rows)
    if options.json:
        report = {"machine": machine(options.threads), "seconds": seconds}
        options.json.write_text(json.dumps(report | {"rows": [row.figures() for row in rows]}, indent=1))


if __name__ == "__main__":
    main()
