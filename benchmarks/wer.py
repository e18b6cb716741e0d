"""Word error rate and processor time of the speech engine, beside faster-whisper on the same weights.

    python -m benchmarks.wer --manifest ../shared/speech/asr/manifest.jsonl --json wer.json

Whole clips are transcribed, so this is about the engine alone; what live segmentation costs on top
shows in what `hubbub transcribe` prints. Clips over 30 s, which one window cannot hold, are cut for
Hubbub at their quietest places. The reference is faster-whisper as it is usually run: beam 5, full
context. `full` and `busy` are the finals of the emitter's two efforts; `--decode 15,5` adds a row
for a context of 15 s and beam 5. Words are counted after Whisper's English normaliser. Processor
time is that of the whole process; with `--rounds`, rows take turns and the spread is printed.
"""

import argparse
import json
import platform
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import jiwer
import numpy as np
import soundfile
from faster_whisper import WhisperModel
from numpy.typing import NDArray
from whisper_normalizer.english import EnglishTextNormalizer

from common.audio import SAMPLE_RATE
from workers.emitter.effort import efforts
from workers.emitter.manner import context_s
from workers.engines.log_mel import LogMel
from workers.engines.speech import DecodeSettings
from workers.engines.whisper import FULL_CONTEXT_S, Device, WhisperEngine
from workers.engines.whisper_weights import BUNDLED, find_weights

BATCH = 8
LONGEST = FULL_CONTEXT_S * SAMPLE_RATE
QUIET_SPAN = SAMPLE_RATE // 5
Samples = NDArray[np.int16]
Transcribe = Callable[[Sequence[Samples]], list[str]]


@dataclass(frozen=True)
class Clip:
    """A recording and what is said in it."""

    set: str
    text: str
    samples: Samples


@dataclass(frozen=True)
class Row:
    """What one way of transcribing came to."""

    name: str
    errors: dict[str, int]
    words: dict[str, int]
    cpu_s: list[float]

    @property
    def wer(self) -> float:
        """Errors a reference word, over all sets."""
        return sum(self.errors.values()) / sum(self.words.values())


def read_clips(manifest: Path) -> list[Clip]:
    items = [json.loads(line) for line in manifest.read_text().splitlines()]
    clips = []
    for item in items:
        samples, rate = soundfile.read(manifest.parent / item["file"], dtype="int16")
        if rate != SAMPLE_RATE or samples.ndim != 1:
            raise SystemExit(f"{item['file']}: {rate} Hz; this benchmark takes 16 kHz mono")
        clips.append(Clip(item.get("set", "all"), item["text"], samples))
    return clips


def cut(samples: Samples) -> list[Samples]:
    """Pieces of at most 30 s, cut at the quietest fifth of a second of each last third."""
    if len(samples) <= LONGEST:
        return [samples]
    begin, end = LONGEST * 2 // 3, LONGEST - QUIET_SPAN
    power = np.cumsum(samples[begin : end + QUIET_SPAN].astype(np.float64) ** 2)
    quietest = begin + int(np.argmin(power[QUIET_SPAN:] - power[:-QUIET_SPAN])) + QUIET_SPAN // 2
    return [samples[:quietest], *cut(samples[quietest:])]


def faster_whisper(weights: str, threads: int, *, word_times: bool) -> Transcribe:
    model = WhisperModel(weights, device="cpu", compute_type="int8", cpu_threads=threads)

    def transcribe(clips: Sequence[Samples]) -> list[str]:
        texts = []
        for samples in clips:
            audio = samples.astype(np.float32) / 32768
            segments, _ = model.transcribe(audio, beam_size=5, language="en", word_timestamps=word_times)
            texts.append(" ".join(segment.text for segment in segments))
        return texts

    return transcribe


def hubbub(engine: WhisperEngine, least_s: int, beam: int, *, word_times: bool) -> Transcribe:
    """Features, then batches of windows of the same padded length, as the emitter builds them."""

    def transcribe(clips: Sequence[Samples]) -> list[str]:
        pieces = [(i, piece) for i, clip in enumerate(clips) for piece in cut(clip)]
        groups: dict[float, list[int]] = defaultdict(list)
        for k, (_, piece) in enumerate(pieces):
            groups[context_s(len(piece), least_s)].append(k)
        heard: dict[int, str] = {}
        for context, group in groups.items():
            settings = DecodeSettings(context, beam)
            for batch in (group[k : k + BATCH] for k in range(0, len(group), BATCH)):
                windows = [features(pieces[k][1]) for k in batch]
                hypotheses = engine.transcribe(windows, settings, word_times=word_times)
                heard.update({k: found.text for k, found in zip(batch, hypotheses, strict=True)})
        texts: dict[int, list[str]] = defaultdict(list)
        for k, (i, _) in enumerate(pieces):
            texts[i].append(heard[k])
        return [" ".join(texts[i]) for i in range(len(clips))]

    return transcribe


def features(samples: Samples) -> NDArray[np.float16]:
    mel = LogMel()
    return np.concatenate([mel.push(samples), mel.flush()])


def count(clips: Sequence[Clip], texts: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Errors and reference words of each set."""
    normalise = EnglishTextNormalizer()
    errors: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for clip, text in zip(clips, texts, strict=True):
        reference = normalise(clip.text)
        if not reference:
            continue
        found = jiwer.process_words(reference, normalise(text))
        errors[clip.set] += found.substitutions + found.deletions + found.insertions
        words[clip.set] += len(reference.split())
    return dict(errors), dict(words)


def measure(clips: Sequence[Clip], ways: dict[str, Transcribe], rounds: int) -> list[Row]:
    cpu_s: dict[str, list[float]] = defaultdict(list)
    texts: dict[str, list[str]] = {}
    for _ in range(rounds):
        for name, transcribe in ways.items():
            before = time.process_time()
            texts[name] = transcribe([clip.samples for clip in clips])
            cpu_s[name].append(time.process_time() - before)
    return [Row(name, *count(clips, texts[name]), cpu_s[name]) for name in ways]


def print_rows(rows: Sequence[Row], seconds: float) -> None:
    reference = rows[0]
    print(f"{'':32}{'WER':>7}{'ratio':>7}{'CPU s':>9}{'ratio':>7}{'of real time':>14}  spread of CPU s")
    for row in rows:
        cpu = median(row.cpu_s)
        spread = f"{min(row.cpu_s):.0f}-{max(row.cpu_s):.0f}" if len(row.cpu_s) > 1 else ""
        print(
            f"{row.name:32}{row.wer:7.4f}{row.wer / reference.wer:7.3f}{cpu:9.1f}"
            f"{cpu / median(reference.cpu_s):7.2f}{cpu / seconds:14.4f}  {spread}"
        )
    print(f"\n{'WER by set':32}{'words':>7}" + "".join(f"{row.name.split()[0]:>16}" for row in rows))
    for name, words in reference.words.items():
        figures = "".join(f"{row.errors[name] / words:16.3f}" for row in rows)
        print(f"{name:32}{words:7}{figures}")


def machine(threads: int) -> str:
    parts = ", ".join(f"{name} {version(name)}" for name in ("ctranslate2", "faster-whisper", "numpy"))
    python = f"Python {platform.python_version()}"
    return f"{platform.machine()}, {threads} thread(s), {python}, {parts}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--manifest", type=Path, required=True, help="JSON lines with file, text, set")
    parser.add_argument("--model", default=BUNDLED, help="folder or hub name; the bundled tiny.en by default")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, help="take every nth clip only")
    parser.add_argument("--word-times", action="store_true", help="ask both for the times of words")
    parser.add_argument("--decode", action="append", default=[], metavar="CONTEXT_S,BEAM")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    clips = read_clips(options.manifest)[:: options.every]
    weights = find_weights(options.model)
    engine = WhisperEngine.load(weights, device=Device(threads=options.threads))
    best = [effort.finals[0] for effort in efforts(1000, final_ms=0, drafts=False)[:2]]
    wanted = [(f.context_s, f.beam, name) for f, name in zip(best, ("full", "busy"), strict=True)]
    wanted += [(*map(int, text.split(",")), text) for text in options.decode]
    ways = {
        "faster-whisper (30 s, beam 5)": faster_whisper(
            str(weights), options.threads, word_times=options.word_times
        )
    }
    for least_s, beam, name in wanted:
        ways[f"{name} ({least_s} s, beam {beam})"] = hubbub(
            engine, least_s, beam, word_times=options.word_times
        )
    rows = measure(clips, ways, options.rounds)
    seconds = sum(len(clip.samples) for clip in clips) / SAMPLE_RATE
    print(f"{len(clips)} clips, {seconds:.0f} s; {machine(options.threads)}\n")
    print_rows(rows, seconds)
    if options.json:
        report = {"seconds": seconds, "machine": machine(options.threads), "rows": [*map(asdict, rows)]}
        options.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
