"""Recall and false alarms of the keyword pool, by its real stage.

    python benchmarks/keywords.py --manifest ../shared/speech/asr/manifest.jsonl --cache DIR

Phrases are synthesised inside sentences (benchmarks/keyword_sentences.toml) with the flite voices
slt, rms and awb (Debian package `flite`) and, given --piper-python and --piper-voice, with a Piper
voice at two speeds. Speech without the phrases is that of a manifest (JSON lines with `file` and
`text`), less the files whose text holds a phrase. Each file is one utterance, in chunks of 100 ms,
with the silence around it that the vad pool passes on.

Two figures each: with transcripts switched off, and with the final transcript of each utterance
as a busy emitter makes it. A false alarm is an event for a phrase that the text does not hold. An
event's lag runs from the end of its phrase, as spotted, to the end of the chunk with which it came
out, and on until that was processed.
"""

import argparse
import hashlib
import json
import os
import platform
import subprocess
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from common.audio import SAMPLE_RATE
from common.identity import Meeting, Speaker, Track
from common.messages import SpeechChunk
from common.priorities import priorities
from common.results import Keyword, Transcript, Word
from common.settings import KeywordSettings, Settings
from common.stage import Append, Entry, EntryId, Stream
from workers.engines.cmudict import Pronunciations
from workers.engines.log_mel import LogMel
from workers.engines.phrase_scoring import PhraseScorer, Question
from workers.engines.speech import DecodeSettings, Hypothesis
from workers.engines.whisper import WhisperEngine
from workers.engines.whisper_model import CPU, WhisperModel
from workers.engines.whisper_weights import find_weights
from workers.keyword.matching import INFLECTED, Matcher
from workers.keyword.phrases import load_phrases
from workers.keyword.pool import Verification, assemble
from workers.keyword.stage import KeywordStage

SENTENCES = Path(__file__).with_name("keyword_sentences.toml")
FLITE_VOICES = ("slt", "rms", "awb")
PIPER_SPEEDS = {"piper": "1.0", "piper-fast": "0.85"}
BUSY = DecodeSettings(context_s=12.0, beam=1)
CHUNK = SAMPLE_RATE // 10
BEFORE_S, AFTER_S, LONGEST_S = 0.3, 0.5, 28
Samples = NDArray[np.int16]


@dataclass(frozen=True)
class Clip:
    """An utterance, the phrases in it, and whose voice it is."""

    name: str
    samples: Samples
    phrases: frozenset[str]
    voice: str


@dataclass
class Spent:
    """What verification took: processor time, and stretches scored and read."""

    cpu_s: float = 0.0
    scored: int = 0
    transcribed: int = 0


@dataclass
class Outcome:
    """What came of all clips. Counters are of (phrase, voice)."""

    wanted: Counter[tuple[str, str]] = field(default_factory=Counter)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    false_alarms: list[str] = field(default_factory=list)
    audio_s: float = 0.0
    cpu_s: float = 0.0
    spent: Spent = field(default_factory=Spent)
    lags_ms: list[float] = field(default_factory=list)

    def add(self, clip: Clip, events: Sequence[Append]) -> None:
        """Count what was heard in a clip."""
        heard = {event.message.phrase for event in events if isinstance(event.message, Keyword)}
        self.audio_s += len(clip.samples) / SAMPLE_RATE
        self.wanted.update((phrase, clip.voice) for phrase in clip.phrases)
        self.found.update((phrase, clip.voice) for phrase in clip.phrases & heard)
        self.missed += [f"{phrase} | {clip.name}" for phrase in clip.phrases - heard]
        self.false_alarms += [f"{phrase} | {clip.name}" for phrase in heard - clip.phrases]

    @property
    def recall(self) -> float:
        """Share of the phrases said that were heard."""
        return sum(self.found.values()) / max(1, sum(self.wanted.values()))

    def share_by(self, part: int) -> dict[str, float]:
        """Recall by phrase (0) or by voice (1)."""
        wanted, found = Counter[str](), Counter[str]()
        for counts, total in ((self.wanted, wanted), (self.found, found)):
            for key, count in counts.items():
                total[key[part]] += count
        return {name: round(found[name] / wanted[name], 3) for name in sorted(wanted)}


# Speech


def synthesised(args: argparse.Namespace, matcher: Matcher) -> Iterator[Clip]:
    sentences = tomllib.loads(Path(args.sentences).read_text())
    voices = [*FLITE_VOICES, *(PIPER_SPEEDS if args.piper_python else ())]
    for text in (text for texts in sentences.values() for text in texts):
        phrases = frozenset(match.phrase.text for match in matcher.find(text.split(), INFLECTED))
        for voice in voices:
            yield Clip(f"{voice}: {text}", _spoken(text, voice, args), phrases, voice)


def _spoken(text: str, voice: str, args: argparse.Namespace) -> Samples:
    name = hashlib.sha256(f"{voice}|{text}".encode()).hexdigest()[:20]
    path = Path(args.cache, f"{name}.wav")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.wav")
        subprocess.run(_command(text, voice, partial, args), check=True, capture_output=True)
        partial.rename(path)
    return _read(path)


def _command(text: str, voice: str, path: Path, args: argparse.Namespace) -> list[str]:
    if voice in FLITE_VOICES:
        return ["flite", "-voice", voice, "-t", text, "-o", str(path)]
    speed = ["--length-scale", PIPER_SPEEDS[voice]]
    return [args.piper_python, "-m", "piper", "-m", args.piper_voice, *speed, "-f", str(path), "--", text]


def other_speech(manifest: Path, matcher: Matcher) -> Iterator[Clip]:
    for line in manifest.read_text().splitlines():
        item = json.loads(line)
        if matcher.find(item["text"].split(), INFLECTED):
            continue
        samples = _read(manifest.parent / item["file"])
        for start in range(0, len(samples), LONGEST_S * SAMPLE_RATE):
            part = samples[start : start + LONGEST_S * SAMPLE_RATE]
            yield Clip(f"{item['file']}+{start // SAMPLE_RATE}s", part, frozenset(), "people")


def _read(path: Path) -> Samples:
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = soxr.resample(audio.mean(axis=1), rate, SAMPLE_RATE)
    samples: Samples = (np.clip(mono, -1, 1) * 32767).astype(np.int16)
    return samples


# The stage


class Listener:
    """Plays clips to a stage, one utterance each."""

    def __init__(self, stage: KeywordStage, engine: WhisperEngine | None) -> None:
        self._stage, self._engine = stage, engine
        self._entries = 0
        self.lags_ms: list[float] = []

    def play(self, clip: Clip) -> list[Append]:
        """The keyword events of a clip, in order."""
        track = Track(Meeting("default", "bench"), f"t{self._entries}", Speaker("s", "S"))
        pad = [np.zeros(int(s * SAMPLE_RATE), np.int16) for s in (BEFORE_S, AFTER_S)]
        samples = np.concatenate([pad[0], clip.samples, pad[1]])
        events: list[Append] = []
        for chunk in _chunks(track, samples):
            begun = time.perf_counter()
            heard = self._step(Stream.SPEECH, chunk)
            took_ms = (time.perf_counter() - begun) * 1000
            self.lags_ms += [chunk.end / 16 + took_ms - event.message.end_ms for event in heard]
            events += heard
        final = self._final(track, samples)
        events += self._step(Stream.RESULTS, final)
        return events

    def _step(self, stream: Stream, message: SpeechChunk | Transcript) -> list[Append]:
        self._entries += 1
        step = self._stage.process([Entry(EntryId(0, stream, str(self._entries)), message)], self._entries)
        effects = list(step.effects)
        while step.busy:
            step = self._stage.process([], self._entries)
            effects += step.effects
        return [effect for effect in effects if isinstance(effect, Append)]

    def _final(self, track: Track, samples: Samples) -> Transcript:
        """What a busy emitter would say; "lost" where transcripts are switched off."""
        text, words = "", ()
        if self._engine is not None:
            front_end = LogMel(self._engine.mels)
            window = np.concatenate([front_end.push(samples), front_end.flush()])
            heard = self._engine.transcribe([window], BUSY, word_times=True)[0]
            text = heard.text
            words = tuple(
                Word(w.text, int(w.start_s * 1000), int(w.end_s * 1000), w.probability) for w in heard.words
            )
        return Transcript(
            id="t",
            tenant="default",
            meeting="bench",
            track=track.id,
            speaker=track.speaker,
            start_ms=0,
            end_ms=len(samples) // 16,
            utterance=track.utterance_id(0),
            status="final" if self._engine else "lost",
            text=text,
            stable=text,
            words=words,
        )


def _chunks(track: Track, samples: Samples) -> Iterator[SpeechChunk]:
    for offset in range(0, len(samples), CHUNK):
        piece = samples[offset : offset + CHUNK]
        end = offset + len(piece)
        closed = "endpoint" if end == len(samples) else ""
        pcm = piece.tobytes()
        yield SpeechChunk(track, track.utterance_id(0), 0, offset, end, end // 16, pcm, closed)


class TimedScorer:
    """Counts what scoring takes."""

    def __init__(self, model: WhisperModel, spent: Spent) -> None:
        self._scorer, self._spent = PhraseScorer(model), spent

    def scores(self, questions: Sequence[Question]) -> list[float]:
        """As the scorer does."""
        begun = time.process_time()
        scores = self._scorer.scores(questions)
        self._spent.cpu_s += time.process_time() - begun
        self._spent.scored += len(questions)
        return scores


class TimedEngine:
    """Counts what reading takes."""

    def __init__(self, engine: WhisperEngine, spent: Spent) -> None:
        self.encoding = engine.encoding
        self._engine, self._spent = engine, spent

    def transcribe(
        self, windows: Sequence[NDArray[np.float16]], settings: DecodeSettings, *, word_times: bool
    ) -> list[Hypothesis]:
        """As the engine does."""
        begun = time.process_time()
        heard = self._engine.transcribe(windows, settings, word_times=word_times)
        self._spent.cpu_s += time.process_time() - begun
        self._spent.transcribed += len(windows)
        return heard


def measure(section: KeywordSettings, model: WhisperModel, clips: Sequence[Clip], *, texts: bool) -> Outcome:
    spent, engine = Spent(), WhisperEngine(model)
    verification = Verification(TimedScorer(model, spent), TimedEngine(engine, spent), model.mels)
    stage = assemble(section, verification, priorities({}))
    listener = Listener(stage, engine if texts else None)
    outcome = Outcome(spent=spent)
    spent.cpu_s, spent.scored, spent.transcribed = 0.0, 0, 0
    for clip in clips:
        begun = time.process_time()
        events = listener.play(clip)
        outcome.cpu_s += time.process_time() - begun
        outcome.add(clip, events)
    outcome.lags_ms = listener.lags_ms
    return outcome


# Figures


def report(kind: str, outcome: Outcome) -> dict[str, object]:
    return {
        "clips": kind,
        "audio_s": round(outcome.audio_s, 1),
        "phrases": sum(outcome.wanted.values()),
        "recall": round(outcome.recall, 4) if outcome.wanted else None,
        "false_alarms": len(outcome.false_alarms),
        "false_alarms_per_hour": round(len(outcome.false_alarms) / (outcome.audio_s / 3600), 2),
        "scored_per_hour": round(outcome.spent.scored / (outcome.audio_s / 3600), 1),
        "read_per_hour": round(outcome.spent.transcribed / (outcome.audio_s / 3600), 1),
        "lag_ms": [round(float(p)) for p in np.percentile(outcome.lags_ms or [0], [50, 95])],
        "cpu_share": round(outcome.cpu_s / outcome.audio_s, 5),
        "cpu_share_verifier": round(outcome.spent.cpu_s / outcome.audio_s, 5),
        "recall_by_phrase": outcome.share_by(0),
        "recall_by_voice": outcome.share_by(1),
        "missed": sorted(outcome.missed),
        "alarms": sorted(outcome.false_alarms),
    }


def show(mode: str, figures: dict[str, object], *, details: bool) -> None:
    recall = "" if figures["recall"] is None else f"recall {figures['recall']:.1%} of {figures['phrases']}, "
    print(
        f"{mode:<16} {figures['clips']:<12} {recall}"
        f"{figures['false_alarms']} false alarms in {figures['audio_s']:.0f} s "
        f"({figures['false_alarms_per_hour']}/h), {figures['scored_per_hour']}/h scored, "
        f"{figures['read_per_hour']}/h read"
    )
    if mode == "transcripts off":
        print(
            f"{'':<29} CPU share {figures['cpu_share']}, of it verifier {figures['cpu_share_verifier']}; "
            f"end of phrase to event p50/p95 {figures['lag_ms']} ms"
        )
    for name in ("recall_by_voice", "recall_by_phrase", "missed", "alarms") if details else ():
        print(f"  {name}: {json.dumps(figures[name], indent=4)}")


def machine() -> dict[str, object]:
    packages = ("pocketsphinx", "ctranslate2", "faster-whisper", "numpy")
    return {
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--manifest", type=Path, help="speech without the phrases, as JSON lines")
    parser.add_argument("--cache", type=Path, required=True, help="folder for synthesised speech")
    parser.add_argument("--sentences", type=Path, default=SENTENCES)
    parser.add_argument("--piper-python", help="a Python with piper-tts")
    parser.add_argument("--piper-voice", help="a Piper voice, .onnx")
    parser.add_argument("--every", type=int, default=1, help="take every n-th file only")
    parser.add_argument("--details", action="store_true", help="list what was missed and falsely found")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    args = parser.parse_args()
    section = Settings().keyword.model_copy(update={"quality": "full"})
    model = WhisperModel.load(find_weights(section.model), device=CPU, language="en")
    matcher = Matcher(load_phrases(section), Pronunciations().of)
    kinds = {"synthesised": list(synthesised(args, matcher))[:: args.every]}
    if args.manifest:
        kinds["other speech"] = list(other_speech(args.manifest, matcher))[:: args.every]
    figures: dict[str, object] = {"machine": machine(), "settings": section.model_dump(mode="json")}
    print(json.dumps(figures))
    for mode, texts in (("transcripts off", False), ("both", True)):
        for kind, clips in kinds.items():
            figures[f"{mode}, {kind}"] = found = report(kind, measure(section, model, clips, texts=texts))
            show(mode, found, details=args.details)
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
