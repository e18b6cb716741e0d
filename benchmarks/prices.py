"""What the parts of a forward pass of Whisper cost, and an engine that says what its passes would.

    python -m benchmarks.prices --audio AUDIO.wav     # prints them as measured, next to those assumed

Processor time in ms. A pass is priced by what it does: an encoder run a window, decoder steps that
all windows of a batch take together, as many as the longest text has tokens, and an alignment a
window. `PRICES` are the least times seen on a 2-processor x86-64 VM (Xeon with AMX), `tiny.en`.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ctranslate2
import soundfile
from numpy.typing import NDArray

from benchmarks.wer import features, machine
from common.messages import Payload
from workers.engines.log_mel import FRAMES_PER_S
from workers.engines.speech import DecodeSettings, Hypothesis
from workers.engines.whisper import WhisperEngine
from workers.engines.whisper_model import CPU, Decoded, WhisperModel
from workers.engines.whisper_weights import BUNDLED, find_weights

ROUNDS = 20
CONTEXTS_S, BATCHES, BEAMS = (6, 8, 12, 16), (1, 2, 4, 8), (1, 5)
SPOKEN_S = 4
STEP_CONTEXT_S, STEPS = 6, 36


@dataclass(frozen=True)
class Prices:
    """In ms: the encoder by seconds of context and their square, a decoder step, an alignment by seconds.

    A step has a base and so much for each sequence, of which there are beam times windows; a wide
    beam costs a little less for each.
    """

    encode_per_s: float = 2.1
    encode_per_s2: float = 0.016
    step: float = 1.2
    step_per_sequence: float = 0.65
    beam_discount: float = 0.8
    align_per_s: float = 1.15

    def encode_ms(self, context_s: float) -> float:
        """One window."""
        return self.encode_per_s * context_s + self.encode_per_s2 * context_s**2

    def step_ms(self, windows: int, beam: int) -> float:
        """One step of a batch."""
        discount = self.beam_discount if beam > 1 else 1.0
        return self.step + self.step_per_sequence * windows * beam * discount

    def align_ms(self, said_s: float) -> float:
        """One window, of which a second of silence is looked at besides what was said."""
        return self.align_per_s * (said_s + 1)


PRICES = Prices()


@dataclass(frozen=True)
class Pass:
    """What one window took: the context it was encoded in, decoder steps, and how much was aligned."""

    context_s: float
    steps: int
    aligned_s: float | None = None


class _Counted(WhisperModel):
    """Keeps count of what it is asked for, one window at a time."""

    def __init__(self, model: WhisperModel) -> None:
        super().__init__(model._model, model.tokenizer, encoder=model._encoder)  # nobody else's business
        self.passes: list[Pass] = []
        self._context_s = 0.0

    def encode(self, windows: Sequence[NDArray[Any]], frames: int) -> ctranslate2.StorageView:
        self._context_s = frames / FRAMES_PER_S
        return super().encode(windows, frames)

    def decode(
        self, encoded: ctranslate2.StorageView, *, windows: int, bound: int, beam: int
    ) -> list[Decoded]:
        decoded = super().decode(encoded, windows=windows, bound=bound, beam=beam)
        self.passes.append(Pass(self._context_s, len(decoded[0].sequence) + 1))
        return decoded

    def align(self, encoded: ctranslate2.StorageView, texts: list[list[int]], frames: list[int]) -> list[Any]:
        self.passes.append(replace(self.passes.pop(), aligned_s=frames[0] / FRAMES_PER_S))
        return super().align(encoded, texts, frames)


@dataclass(frozen=True)
class _Heard:
    hypothesis: Hypothesis
    passes: tuple[Pass, ...]


class PricedEngine:
    """A SpeechEngine whose `clock` moves by what its passes would cost, and by nothing else.

    What was heard once is remembered: a text does not depend on the company it was heard in.
    """

    encoding: Payload = "log_mel_f16"

    def __init__(self, prices: Prices = PRICES) -> None:
        self._model = _Counted(WhisperModel.load(find_weights(BUNDLED), device=CPU, language="en"))
        self._engine = WhisperEngine(self._model)
        self._prices = prices
        self._heard: dict[tuple[bytes, DecodeSettings, bool], _Heard] = {}
        self._now_ms = 0.0

    def clock(self) -> float:
        """Seconds of computing so far."""
        return self._now_ms / 1000

    def transcribe(
        self, windows: Sequence[NDArray[Any]], settings: DecodeSettings, *, word_times: bool
    ) -> list[Hypothesis]:
        """As `WhisperEngine` would."""
        heard = [self._hear(window, settings, word_times=word_times) for window in windows]
        self._now_ms += self._batch_ms([one.passes[:1] for one in heard], settings.beam)
        for one in heard:
            for again in one.passes[1:]:
                self._now_ms += self._batch_ms([(again,)], settings.beam)
        return [one.hypothesis for one in heard]

    def _hear(self, window: NDArray[Any], settings: DecodeSettings, *, word_times: bool) -> _Heard:
        key = window.tobytes(), settings, word_times
        if key not in self._heard:
            self._model.passes.clear()
            (hypothesis,) = self._engine.transcribe([window], settings, word_times=word_times)
            self._heard[key] = _Heard(hypothesis, tuple(self._model.passes))
        return self._heard[key]

    def _batch_ms(self, batch: Sequence[tuple[Pass, ...]], beam: int) -> float:
        passes = [one for first in batch for one in first]
        if not passes:
            return 0.0
        prices, steps = self._prices, max(one.steps for one in passes)
        encoding = sum(prices.encode_ms(one.context_s) for one in passes)
        aligning = sum(prices.align_ms(one.aligned_s) for one in passes if one.aligned_s is not None)
        return encoding + steps * prices.step_ms(len(passes), beam) + aligning


def least_ms(work: Callable[[], Any]) -> float:
    """Of many rounds: what disturbs only ever adds."""
    work()
    took = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        work()
        took.append(time.process_time() - begun)
    return min(took) * 1000


class Meter:
    """Times the parts of a model on pieces of a recording, and prints them beside what is assumed."""

    def __init__(self, frames: NDArray[Any]) -> None:
        self._model = WhisperModel.load(find_weights(BUNDLED), device=CPU, language="en")
        self._spoken = [frames[i * 350 :][: SPOKEN_S * FRAMES_PER_S] for i in range(max(BATCHES))]

    def encode(self, context_s: int) -> None:
        """One window, padded to so much."""
        frames = context_s * FRAMES_PER_S
        took = least_ms(lambda: self._model.encode(self._spoken[:1], frames))
        _print("encode", (context_s, 1, 1), took, PRICES.encode_ms(context_s))

    def step(self, windows: int, beam: int) -> None:
        """A step of a batch."""
        encoded = self._model.encode(self._spoken[:windows], STEP_CONTEXT_S * FRAMES_PER_S)

        def decode() -> list[Decoded]:
            return self._model.decode(encoded, windows=windows, bound=STEPS, beam=beam)

        steps = max(len(text.sequence) for text in decode()) + 1
        batch = STEP_CONTEXT_S, windows, beam
        _print("step", batch, least_ms(decode) / steps, PRICES.step_ms(windows, beam))

    def align(self, windows: int) -> None:
        """All texts of a batch."""
        encoded = self._model.encode(self._spoken[:windows], STEP_CONTEXT_S * FRAMES_PER_S)
        texts = self._model.decode(encoded, windows=windows, bound=STEPS, beam=1)
        words = [[token for token in text.sequence if token < self._model.tokenizer.eot] for text in texts]
        ends = [SPOKEN_S * FRAMES_PER_S] * windows
        took = least_ms(lambda: self._model.align(encoded, words, ends))
        _print("align", (STEP_CONTEXT_S, windows, 1), took, windows * PRICES.align_ms(SPOKEN_S))


def _print(part: str, batch: tuple[int, int, int], measured: float, assumed: float) -> None:
    context_s, windows, beam = batch
    print(f"{part:>8}{context_s:10}{windows:9}{beam:6}{measured:10.2f}{assumed:10.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--audio", type=Path, required=True, help="16 kHz mono speech")
    samples, _ = soundfile.read(parser.parse_args().audio, dtype="int16")
    print(machine(1), end="\n\n")
    print(f"{'part':>8}{'context s':>10}{'windows':>9}{'beam':>6}{'measured':>10}{'assumed':>10}")
    meter = Meter(features(samples))
    for context_s in CONTEXTS_S:
        meter.encode(context_s)
    for windows in BATCHES:
        for beam in BEAMS:
            meter.step(windows, beam)
        meter.align(windows)


if __name__ == "__main__":
    main()
