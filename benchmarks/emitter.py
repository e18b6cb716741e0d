"""The emitter alone, in virtual time, where passes cost what `benchmarks.prices` says.

    python -m benchmarks.emitter --audio ../shared/speech/live/continuous.wav --meetings 1 4 8

What a live run with a processor of its own would come to, whatever the machine is doing; the same
again every time. It is for comparing two versions of the emitter's decisions, not for figures of a
system: those are of `benchmarks.live`. The vad and asr stages run beforehand; a window arrives
`HOP_MS` after its last sample, and a result is out `HOP_MS` after the call that made it. `--share .6`
gives the emitter that much of a processor. Meetings are in step, or begin `--apart` ms after one
another. The audio comes with its words, as for `benchmarks.live`; *word* and *wrong* are counted as there.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jiwer
import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.live import Shown, Spoken, normalise, percentiles, read_words, text_of, word_latencies
from benchmarks.prices import PricedEngine
from common.audio import SAMPLE_RATE, ms_to_samples, samples_to_ms
from common.identity import Meeting, Speaker, Track
from common.messages import AudioChunk, Window
from common.results import Result, Transcript
from common.settings import Settings, load_settings
from common.stage import Append, Entry, EntryId, Stage, Stream
from workers.asr.pool import build as build_asr
from workers.emitter.manner import Model
from workers.emitter.pool import assemble
from workers.vad.pool import build as build_vad

HOP_MS = 5
TICK_MS = 100
CHUNK = ms_to_samples(100)
SETTLE_MS = 300_000
CLOCKS = ("word", "partial", "final")


@dataclass(frozen=True)
class Arrival:
    """An entry, and when it is there to be read."""

    at_ms: float
    entry: Entry


@dataclass(frozen=True)
class Row:
    """What one number of meetings came to. Latencies in ms: p50, p95, p99; `busy`: share of the time."""

    meetings: int
    latency: dict[str, tuple[float, float, float]]
    words_seen: float
    wrong: tuple[float, float]
    wer: float
    level: int
    busy: float
    partials: int


def spoken(audio: NDArray[np.int16], settings: Settings) -> list[Window]:
    """The windows of one meeting, captured from 0 ms on."""
    track = Track(Meeting("default", "0"), "a", Speaker("a", "A"))
    vad, asr = build_vad(settings), build_asr(settings)
    quiet = np.random.default_rng(0).normal(0, 3, 2 * SAMPLE_RATE).astype(np.int16)
    audio = np.concatenate([audio, quiet])
    windows: list[Window] = []
    for offset in range(0, len(audio), CHUNK):
        samples = audio[offset : offset + CHUNK]
        heard_ms = samples_to_ms(offset + len(samples))
        chunk = AudioChunk(track, offset, heard_ms, samples.tobytes())
        speech = _through(vad, [Entry(EntryId(0, Stream.AUDIO, str(offset)), chunk)], heard_ms)
        windows += [entry.message for entry in _through(asr, speech, heard_ms)]  # type: ignore[misc]
    return windows


def _through(stage: Stage, entries: Sequence[Entry], now_ms: int) -> list[Entry]:
    effects = stage.process(entries, now_ms).effects
    put_out = [effect for effect in effects if isinstance(effect, Append)]
    between = [effect for effect in put_out if effect.stream is not Stream.RESULTS]
    return [Entry(EntryId(0, e.stream, f"{now_ms}-{i}"), e.message) for i, e in enumerate(between)]


def arrivals(windows: Sequence[Window], meetings: int, apart_ms: int) -> list[Arrival]:
    """The same meeting several times, each as soon as it was captured, in order of time."""
    every = [a for number in range(meetings) for a in _arrivals(windows, number, number * apart_ms)]
    return sorted(every, key=lambda arrival: arrival.at_ms)


def _arrivals(windows: Sequence[Window], number: int, later_ms: int) -> Iterator[Arrival]:
    track = replace(windows[0].track, meeting=Meeting("default", str(number)))
    for i, window in enumerate(windows):
        captured_ms = window.captured_ms + later_ms
        own = replace(
            window, track=track, utterance=track.utterance_id(window.start), captured_ms=captured_ms
        )
        yield Arrival(captured_ms + HOP_MS, Entry(EntryId(number, Stream.WINDOWS, f"{i}-0"), own))


class Rehearsal:
    """Calls a stage as the loop does, in virtual time."""

    def __init__(self, engine: PricedEngine, share: float) -> None:
        engines = {Model.MAIN: engine}
        self._engine, self._share = engine, share
        self._stage = assemble(load_settings(), engines, clock=self._seconds)
        self._now_ms = self._called_ms = 0.0
        self._deferred: list[Entry] = []
        self.results: list[Result] = []
        self.busy_ms = 0.0

    def run(self, arrivals: Sequence[Arrival]) -> None:
        """Until all that was captured is told, or far too long after."""
        waiting, busy, recall = list(reversed(arrivals)), False, 0
        ends_ms = arrivals[-1].at_ms + SETTLE_MS
        while self._now_ms < ends_ms and (waiting or busy or self._open()):
            if not busy:
                soon_ms = waiting[-1].at_ms if waiting else ends_ms
                self._now_ms = max(self._now_ms, min(soon_ms, self._called_ms + TICK_MS))
            entries = []
            while waiting and waiting[-1].at_ms <= self._now_ms:
                entries.append(waiting.pop().entry)
            entries += self._deferred[:recall]
            del self._deferred[:recall]
            busy, recall = self._call(entries)

    def _open(self) -> bool:
        told = [result for result in self.results if isinstance(result, Transcript)]
        begun = {result.utterance for result in told}
        return bool(begun - {result.utterance for result in told if result.status in ("final", "lost")})

    def _call(self, entries: Sequence[Entry]) -> tuple[bool, int]:
        self._called_ms = self._now_ms
        begun = self._seconds()
        step = self._stage.process(entries, int(self._now_ms))
        took_ms = (self._seconds() - begun) * 1000
        self.busy_ms += took_ms
        self._now_ms += took_ms
        for effect in step.effects:
            if isinstance(effect, Append):
                self._put_out(effect)
        return step.busy, step.recall

    def _seconds(self) -> float:
        """How long passes took so far, with a share of the processor."""
        return self._engine.clock() / self._share

    def _put_out(self, effect: Append) -> None:
        if effect.stream is Stream.DEFERRED:
            entry = EntryId(effect.shard, Stream.DEFERRED, f"{len(self.results)}-0")
            self._deferred.append(Entry(entry, effect.message))
        elif not isinstance(effect.message, AudioChunk):
            at_ms = round(self._now_ms + HOP_MS)
            latency_ms = at_ms - effect.captured_ms
            told = replace(effect.message, emitted_at_ms=at_ms, latency_ms=latency_ms)  # type: ignore[call-arg]
            self.results.append(told)  # type: ignore[arg-type]  # only results go to that stream


def measure(
    engine: PricedEngine,
    windows: Sequence[Window],
    words: Sequence[Spoken],
    options: argparse.Namespace,
    meetings: int,
) -> Row:
    rehearsal = Rehearsal(engine, options.share)
    coming = arrivals(windows, meetings, options.apart)
    rehearsal.run(coming)
    return _row(rehearsal, words, meetings, options.apart, rehearsal.busy_ms / coming[-1].at_ms)


def _row(rehearsal: Rehearsal, words: Sequence[Spoken], meetings: int, apart_ms: int, busy: float) -> Row:
    latencies: list[float] = []
    shown = Shown()
    errors, reference = 0, " ".join(word.text for word in words)
    for number in range(meetings):
        own = [result for result in rehearsal.results if result.meeting == str(number)]
        latencies += word_latencies(own, words, number * apart_ms)
        shown.add(own, words)
        found = jiwer.process_words(reference, normalise(text_of(own)))
        errors += found.substitutions + found.deletions + found.insertions
    told = [result for result in rehearsal.results if isinstance(result, Transcript)]
    live = {
        status: [result.latency_ms for result in told if result.status == status and not result.backfilled]
        for status in ("partial", "final")
    }
    return Row(
        meetings,
        {clock: percentiles(values) for clock, values in {"word": latencies, **live}.items()},
        len(latencies) / (meetings * len(words)),
        shown.wrong(),
        errors / (meetings * len(words)),
        max(result.level for result in told),
        busy,
        len(live["partial"]),
    )


def print_row(row: Row) -> None:
    times = "".join(f"{'/'.join(f'{v:.0f}' for v in row.latency[clock]):>18}" for clock in CLOCKS)
    wrong = "/".join(f"{share:.3f}" for share in row.wrong)
    shares = f"{row.words_seen:7.3f}{wrong:>12}{row.wer:7.3f}{row.level:6}{row.busy:7.2f}{row.partials:9}"
    print(f"{row.meetings:8}{times}{shares}", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--audio", type=Path, required=True, help="NAME.wav beside NAME.words.json")
    parser.add_argument("--meetings", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--share", type=float, default=1.0, help="how much of a processor the emitter gets")
    parser.add_argument("--apart", type=int, default=0, metavar="MS", help="between the meetings' beginnings")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    samples, rate = soundfile.read(options.audio, dtype="int16")
    if rate != SAMPLE_RATE or samples.ndim != 1:
        raise SystemExit(f"{options.audio}: this benchmark takes 16 kHz mono")
    words, windows = read_words(options.audio.with_suffix(".words.json")), spoken(samples, load_settings())
    print(f"share {options.share}, meetings {options.apart} ms apart\n")
    names = "".join(f"{clock + ' p50/95/99':>18}" for clock in CLOCKS)
    print(f"{'meetings':>8}{names}{'seen':>7}{'wrong':>12}{'WER':>7}{'level':>6}{'busy':>7}{'partials':>9}")
    engine, rows = PricedEngine(), []
    for meetings in options.meetings:
        rows.append(measure(engine, windows, words, options, meetings))
        print_row(rows[-1])
    if options.json:
        options.json.write_text(json.dumps([vars(row) for row in rows], indent=2))


if __name__ == "__main__":
    main()
