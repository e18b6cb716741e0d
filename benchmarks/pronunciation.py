"""How well scores of pronunciation tell words that were said from words that were not.

    python -m benchmarks.pronunciation --manifest ../shared/speech/asr/manifest.jsonl [--clips 150]

Native speakers' clips are aligned with their reference text, whose words count as right, and again with
one word replaced by another of the collection, which counts as wrong. What a learner gets wrong is
subtler: this measures the instrument, not the lesson.
"""

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import orjson
import soundfile
import soxr

from benchmarks.machine import machine_line
from common.audio import SAMPLE_RATE
from workers.engines.pronunciation import Aligner
from workers.jobs.coaching.feedback import score
from workers.jobs.coaching.reading import keys_of

LONGEST_S = 15
SWAPS = 2
THRESHOLDS = (0.2, 0.35, 0.5, 0.65, 0.8)


def clips(manifest: Path, count: int) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """Words and canonical audio of clips of a length that utterances have."""
    items = [orjson.loads(line) for line in manifest.read_bytes().splitlines()]
    random.Random(0).shuffle(items)
    for item in items:
        audio, rate = soundfile.read(manifest.parent / item["file"], dtype="float32", always_2d=True)
        if count and len(audio) <= LONGEST_S * rate and keys_of(item["text"]):
            count -= 1
            mono = soxr.resample(audio.mean(axis=1), rate, SAMPLE_RATE)
            yield keys_of(item["text"]), (mono * 32767).astype(np.int16).tobytes()


def swapped(words: Sequence[str], vocabulary: Sequence[str], rng: random.Random) -> tuple[list[str], int]:
    """The words with another one in a place."""
    changed, place = list(words), rng.randrange(len(words))
    changed[place] = rng.choice([word for word in vocabulary if word != words[place]])
    return changed, place


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=150)
    options = parser.parse_args()
    print(machine_line(("pocketsphinx",)))
    aligner, rng = Aligner(), random.Random(0)
    chosen = list(clips(options.manifest, options.clips))
    vocabulary = sorted({word for words, _ in chosen for word in words})
    right: list[float] = []
    wrong: list[float] = []
    began, heard_s = time.process_time(), 0.0
    for words, pcm in chosen:
        right += [score(word.goodness) for word in aligner.align(words, pcm)]
        for _ in range(SWAPS):
            changed, place = swapped(words, vocabulary, rng)
            wrong += [score(word.goodness) for word in aligner.align(changed, pcm) if word.index == place]
        heard_s += (1 + SWAPS) * len(pcm) / 2 / SAMPLE_RATE
    spent = (time.process_time() - began) / heard_s
    total = sum(len(words) for words, _ in chosen)
    judged = f"{len(right)} of {total} words judged, {len(wrong)} replaced"
    print(f"{len(chosen)} clips, {judged}; {spent:.3f} of real time")
    print("score below   right words   wrong words")
    for threshold in THRESHOLDS:
        shares = [np.mean(np.array(scores) < threshold) for scores in (right, wrong)]
        print(f"{threshold:11.2f}   {shares[0]:11.1%}   {shares[1]:11.1%}")


if __name__ == "__main__":
    main()
