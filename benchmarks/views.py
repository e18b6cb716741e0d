"""What a partial hears, and what it costs, by how much audio it sees and how many share a pass.

    python -m benchmarks.views --audio ../shared/speech/live/continuous.wav --json views.json

The audio comes with its words, `NAME.words.json`. Views end at every `--every-ms` of it and begin
with a word. `found` is the share of the words wholly in a view that its text has at their place;
`others` counts words of the texts that are none of these, over the same number: half-said words at
the end, and what was made up. Then the processor time of one window in ms, by windows in a pass.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from itertools import product
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from whisper_normalizer.english import EnglishTextNormalizer

from benchmarks.wer import features, machine
from common.audio import SAMPLE_RATE
from workers.engines.log_mel import FRAMES_PER_S
from workers.engines.speech import DecodeSettings
from workers.engines.whisper import WhisperEngine
from workers.engines.whisper_weights import BUNDLED, find_weights

SHORTEST_S = 0.4
PADDING_S = 2
normalise = EnglishTextNormalizer()


@dataclass(frozen=True)
class Word:
    """A reference word and when it is said, in seconds."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class View:
    """Features of some audio, and the words said wholly in it, normalised."""

    frames: NDArray[np.float16]
    words: Sequence[str]


@dataclass(frozen=True)
class Row:
    """What views of a length came to in a context; processor time by windows in a pass."""

    view_s: float
    context_s: int
    views: int
    found: float
    others: float
    cpu_ms: dict[int, float]


def views(
    frames: NDArray[np.float16], words: Sequence[Word], *, view_s: float, every_s: float
) -> Iterator[View]:
    for end_s in np.arange(view_s, words[-1].end_s, every_s):
        begun = [word for word in words if end_s - view_s <= word.start_s <= end_s - SHORTEST_S]
        if begun:
            first, last = (int(second * FRAMES_PER_S) for second in (begun[0].start_s, end_s))
            said = " ".join(word.text for word in begun if word.end_s <= end_s)
            yield View(frames[first:last], normalise(said).split())


def measure(
    engine: WhisperEngine, seen: Sequence[View], view_s: float, context_s: int, batches: Sequence[int]
) -> Row:
    settings = DecodeSettings(context_s, beam=1, second_try=False)
    cpu_ms: dict[int, float] = {}
    for batch in batches:
        texts: list[str] = []
        begun = time.process_time()
        for k in range(0, len(seen), batch):
            windows = [view.frames for view in seen[k : k + batch]]
            texts += [heard.text for heard in engine.transcribe(windows, settings, word_times=False)]
        cpu_ms[batch] = round((time.process_time() - begun) / len(seen) * 1000, 1)
    told = [normalise(text).split() for text in texts]
    found = sum(matches(view.words, words) for view, words in zip(seen, told, strict=True))
    said = sum(len(view.words) for view in seen)
    others = sum(map(len, told)) - found
    return Row(view_s, context_s, len(seen), round(found / said, 3), round(others / said, 3), cpu_ms)


def matches(said: Sequence[str], told: Sequence[str]) -> int:
    """How many words are told at their place."""
    return sum(
        block.size for block in SequenceMatcher(None, said, told, autojunk=False).get_matching_blocks()
    )


def print_rows(rows: Sequence[Row], batches: Sequence[int]) -> None:
    heads = "".join(f"{f'CPU, {batch}':>9}" for batch in batches)
    print(f"{'view s':>6}{'context s':>11}{'views':>7}{'found':>8}{'others':>8}{heads}")
    for row in rows:
        costs = "".join(f"{row.cpu_ms[batch]:9.0f}" for batch in batches)
        print(f"{row.view_s:6.1f}{row.context_s:11}{row.views:7}{row.found:8.3f}{row.others:8.3f}{costs}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--audio", type=Path, required=True, help="16 kHz mono, with its words beside it")
    parser.add_argument("--views", type=float, nargs="+", default=[1, 2, 3, 4, 6], metavar="S")
    parser.add_argument("--contexts", type=int, nargs="+", default=[4, 6, 8, 12], metavar="S")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8], help="windows in a pass")
    parser.add_argument("--every-ms", type=int, default=600)
    parser.add_argument("--model", default=BUNDLED, help="folder or hub name; the bundled tiny.en by default")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    samples, rate = soundfile.read(options.audio, dtype="int16")
    if rate != SAMPLE_RATE or samples.ndim != 1:
        raise SystemExit(f"{options.audio}: this benchmark takes 16 kHz mono")
    words = [Word(*item) for item in json.loads(options.audio.with_suffix(".words.json").read_text())]
    engine, frames = WhisperEngine.load(find_weights(options.model)), features(samples)
    rows = []
    for view_s, context_s in product(options.views, options.contexts):
        if context_s >= view_s + min(PADDING_S, view_s):
            seen = list(views(frames, words, view_s=view_s, every_s=options.every_ms / 1000))
            rows.append(measure(engine, seen, view_s, context_s, options.batches))
    print(f"{len(samples) / SAMPLE_RATE:.0f} s of speech; {machine(1)}\n")
    print_rows(rows, options.batches)
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(1), "rows": [*map(asdict, rows)]}, indent=1))


if __name__ == "__main__":
    main()
