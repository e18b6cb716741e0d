"""What tone and text cost, and how the voices of a folder compare with the population assumed.

    python -m benchmarks.sentiment --manifest ../shared/speech/asr/manifest.jsonl

Costs are processor time of one core: of the tone per second of audio, at several chunk lengths,
and of VADER in texts a second. Figures of voices are over files, by speaker where the manifest
names one.
"""

import argparse
import json
import platform
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median, stdev

import numpy as np
import soundfile

from common.audio import ms_to_samples, sample_count, samples_to_ms
from workers.engines.vader import Vader
from workers.sentiment.baseline import ENERGY_DB, PITCH_SEMITONES, RATE, Population, semitones
from workers.sentiment.prosody import Contour, Prosody

CHUNKS_MS = (20, 40, 100)
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Clip:
    """A file of one speaker."""

    speaker: str
    text: str
    pcm: bytes


def load(manifest: Path) -> list[Clip]:
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    clips = []
    for number, row in enumerate(rows):
        samples, _ = soundfile.read(manifest.parent / row["file"], dtype="int16")
        clips.append(Clip(row.get("speaker", f"file {number}"), row["text"], samples.tobytes()))
    return clips


def hear(pcm: bytes, chunk_ms: int) -> Prosody | None:
    contour, step = Contour(), 2 * ms_to_samples(chunk_ms)
    for at in range(0, len(pcm), step):
        contour.feed(pcm[at : at + step])
    return contour.prosody()


def tone_cost(clips: Sequence[Clip], chunk_ms: int) -> float:
    """Share of real time."""
    before = time.process_time()
    for clip in clips:
        hear(clip.pcm, chunk_ms)
    seconds = samples_to_ms(sum(sample_count(clip.pcm) for clip in clips)) / 1000
    return (time.process_time() - before) / seconds


def text_rate(clips: Sequence[Clip]) -> float:
    """Texts a second."""
    vader, texts = Vader.load(), [clip.text for clip in clips]
    before = time.process_time()
    vader.polarities(texts)
    return len(texts) / (time.process_time() - before)


def spread(runs: Sequence[float], unit: float, digits: int) -> str:
    low, middle, high = (round(value * unit, digits) for value in (min(runs), median(runs), max(runs)))
    return f"{middle:>8} ({low} to {high})"


def compare(name: str, by_speaker: dict[str, list[float]], population: Population) -> None:
    means = [mean(values) for values in by_speaker.values()]
    within = [stdev(values) ** 2 for values in by_speaker.values() if len(values) > 2]
    own = f"{mean(within) ** 0.5:.1f}" if within else "-"
    seen = f"{mean(means):.1f} ± {stdev(means):.1f} between, {own} within"
    print(f"{name:<22}{seen:<40}{population.mean} ± {population.between} between, {population.within} within")


def voices(clips: Sequence[Clip]) -> None:
    heard = [(clip.speaker, hear(clip.pcm, 100)) for clip in clips]
    pitch: defaultdict[str, list[float]] = defaultdict(list)
    energy: defaultdict[str, list[float]] = defaultdict(list)
    rate: defaultdict[str, list[float]] = defaultdict(list)
    for speaker, prosody in heard:
        if prosody is not None and prosody.pitch_hz > 0:
            pitch[speaker].append(semitones(prosody.pitch_hz))
            energy[speaker].append(prosody.energy_db)
            rate[speaker].append(prosody.rate)
    print(f"\n{len(pitch)} speakers{'':<11}{'heard':<40}assumed")
    compare("pitch, semitones", pitch, PITCH_SEMITONES)
    compare("energy, dB", energy, ENERGY_DB)
    compare("syllables a second", rate, RATE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--manifest", type=Path, required=True)
    clips = load(parser.parse_args().manifest)
    seconds = samples_to_ms(sum(sample_count(clip.pcm) for clip in clips)) / 1000
    print(f"{len(clips)} files, {seconds:.0f} s; {platform.machine()}, numpy {np.__version__}")
    print(f"{ROUNDS} rounds: median (least to most)")
    for chunk_ms in CHUNKS_MS:
        runs = [tone_cost(clips, chunk_ms) for _ in range(ROUNDS)]
        print(f"tone, chunks of {chunk_ms:>3} ms   {spread(runs, 1000, 2)} ms of processor a second of audio")
    print(f"VADER                     {spread([text_rate(clips) for _ in range(ROUNDS)], 1, 0)} texts/s")
    voices(clips)


if __name__ == "__main__":
    main()
