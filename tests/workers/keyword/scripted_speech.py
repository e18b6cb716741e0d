"""Speech that says what is in it: a spotter and a verifier that read it, for tests of the stage.

A phrase is 300 ms of samples of its own value. The spotter proposes each. The verifier turns down
those of `MISHEARD` more, and of those of `SLURRED` more it is sure when it is read only; the higher
the value, the less it thinks of them before.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from common.audio import SAMPLE_RATE, ms_to_samples, samples_to_ms
from common.identity import Meeting, Speaker, Track
from common.messages import SpeechChunk, UtteranceEnd
from common.results import Transcript, Word
from workers.engines.cmudict import Pronunciations
from workers.engines.spotter import Spotted
from workers.keyword.attention import Rules
from workers.keyword.heard import Heard
from workers.keyword.inquiries import Bounds
from workers.keyword.listening import Inquiry
from workers.keyword.matching import Matcher
from workers.keyword.phrases import Phrase
from workers.keyword.reading import Reader
from workers.keyword.stage import KeywordStage, Limits
from workers.keyword.verifier import Answer

PHRASES = (
    Phrase("next slide", "navigation"),
    Phrase("follow up", "action"),
    Phrase("deadline", "scheduling"),
    Phrase("mute", "control"),
)
VALUES = {phrase.text: number for number, phrase in enumerate(PHRASES, 1)}
MISHEARD, SLURRED = 100, 200
READER = Reader(Matcher(PHRASES, Pronunciations().of))
ANN = Track(Meeting("default", "weekly"), "ann", Speaker("1", "Ann"))
BOB = Track(Meeting("default", "weekly"), "bob", Speaker("2", "Bob"))
BLOCK_SAMPLES = ms_to_samples(20)
MEETING_BEGAN_MS = 1_700_000_000_000
PHRASE_MS = 300


@dataclass
class Machine:
    """Takes so much time for a second of audio."""

    ms_per_s: float
    spent_ms: float = 0.0

    def work(self, samples: int) -> None:
        self.spent_ms += self.ms_per_s * samples / SAMPLE_RATE

    def now_s(self) -> float:
        return self.spent_ms / 1000


class ScriptedSpotter:
    """Says who listens."""

    def __init__(self, machine: Machine | None = None) -> None:
        self._open: list[ScriptedSpotting] = []
        self.machine = machine

    @property
    def listening(self) -> int:
        return sum(not spotting.over for spotting in self._open)

    def listen(self) -> "ScriptedSpotting":
        self._open.append(ScriptedSpotting())
        return self._open[-1]

    def work(self, *, thrifty: bool) -> None:
        for spotting in self._open:
            if not spotting.over:
                samples = spotting.work()
                if self.machine:
                    self.machine.work(samples)


class ScriptedSpotting:
    """Notices phrases in blocks of 20 ms."""

    def __init__(self) -> None:
        self._samples = np.zeros(0, np.int16)
        self._told = 0
        self._found: list[Spotted] = []
        self._finished = False
        self.over = False
        self.processed = 0

    def push(self, pcm: bytes) -> None:
        self._samples = np.concatenate([self._samples, np.frombuffer(pcm, np.int16)])

    def finish(self) -> None:
        self._finished = True

    def give_up(self) -> None:
        self.over = True

    def take(self) -> list[Spotted]:
        found, self._found = self._found, []
        return found

    def work(self) -> int:
        """Returns how many samples were new."""
        before = self.processed
        while self.processed + BLOCK_SAMPLES <= len(self._samples):
            self.processed += BLOCK_SAMPLES
            self._found += self._new()
        if self._finished:
            self.over, self.processed = True, len(self._samples)
            self._found += self._new()
        return self.processed - before

    def _new(self) -> list[Spotted]:
        heard = self._samples[: self.processed]
        ends = np.flatnonzero((heard[:-1] > 0) & (heard[1:] == 0)) + 1
        new = [end for end in ends if end > self._told]
        self._told = max([self._told, *new])
        names = {value: text for text, value in VALUES.items()}
        return [
            Spotted(
                names[int(heard[end - 1]) % MISHEARD],
                int(end) - ms_to_samples(PHRASE_MS),
                int(end),
                self.processed,
            )
            for end in new
        ]


class ScriptedVerifier:
    """Confirms a candidate whose phrase is in the audio that came with it, whole."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def answer(self, inquiries: Sequence[Inquiry]) -> list[Answer]:
        self.batches.append(len(inquiries))
        return [self._answer(inquiry) for inquiry in inquiries]

    def _answer(self, inquiry: Inquiry) -> Answer:
        samples = np.frombuffer(inquiry.pcm, np.int16)
        heard, doubtful = [], {}
        for one in inquiry.candidates:
            value = VALUES[one.phrase]
            slurred = np.count_nonzero(samples == SLURRED + value) > 0
            whole = np.count_nonzero(samples == value) >= ms_to_samples(PHRASE_MS)
            if whole or (slurred and inquiry.reads):
                times = samples_to_ms(one.start), samples_to_ms(one.end)
                heard.append(Heard(PHRASES[value - 1], *times, 0.8, "acoustic"))
            elif slurred:
                doubtful[one] = -value / 10
        return Answer(tuple(heard), doubtful)


def new_stage(
    *,
    batch: int = 4,
    waiting: int = 64,
    listening: int = 16,
    remembered: int = 1000,
    machine: "Machine | None" = None,
) -> KeywordStage:
    """With a machine, it is the one that takes the time; without, nothing takes any."""
    budget_ms = math.inf if machine is None else 400.0
    limits = Limits(
        attention=Rules(listening, budget_ms, lambda meeting: int(meeting.id.startswith("board"))),
        inquiries=Bounds(batch, waiting, 10 * budget_ms),
        patience_ms=15_000,
        remembered=remembered,
    )
    spotter = ScriptedSpotter(machine)
    clock = machine.now_s if machine else lambda: 0.0
    return KeywordStage(spotter, ScriptedVerifier(), READER, limits=limits, clock=clock)


def spoken(
    track: Track,
    start_ms: int,
    script: Iterable[str | int],
    *,
    chunk_ms: int = 100,
    closed: UtteranceEnd = "endpoint",
) -> list[SpeechChunk]:
    """An utterance: phrases ("-phrase": mistaken for it, "~phrase": slurred) and pauses in ms."""
    samples = np.concatenate([_sound(part) for part in script])
    start, step = ms_to_samples(start_ms), ms_to_samples(chunk_ms)
    chunks = []
    for at in range(0, len(samples), step):
        piece = samples[at : at + step].tobytes()
        end = start + min(at + step, len(samples))
        captured_ms = MEETING_BEGAN_MS + samples_to_ms(end)
        last = at + step >= len(samples)
        chunks.append(
            SpeechChunk(
                track,
                track.utterance_id(start),
                start,
                start + at,
                end,
                captured_ms,
                piece,
                closed if last else "",
            )
        )
    return chunks


def _sound(part: str | int) -> np.ndarray:
    if isinstance(part, int):
        return np.zeros(ms_to_samples(part), np.int16)
    value = VALUES[part.lstrip("-~")] + {"-": MISHEARD, "~": SLURRED}.get(part[0], 0)
    return np.concatenate([np.full(ms_to_samples(PHRASE_MS), value, np.int16), np.zeros(160, np.int16)])


def transcript(  # a transcript has these parts
    track: Track,
    start_ms: int,
    text: str,
    *,
    status: str = "final",
    stable: str | None = None,
    times: bool = True,
    level: int = 0,
    backfilled: bool = False,
) -> Transcript:
    """Each word takes 200 ms; it was emitted a second after the end of speech."""
    parts = text.split()
    words = tuple(
        Word(part, start_ms + 200 * i, start_ms + 200 * (i + 1), 0.9) for i, part in enumerate(parts)
    )
    end_ms = start_ms + 200 * len(parts)
    return Transcript(
        id=f"{start_ms}/{status}/{len(text)}",
        tenant=track.meeting.tenant,
        meeting=track.meeting.id,
        track=track.id,
        speaker=track.speaker,
        start_ms=start_ms,
        end_ms=end_ms,
        emitted_at_ms=MEETING_BEGAN_MS + end_ms + 1000,
        latency_ms=1000,
        utterance=track.utterance_id(ms_to_samples(start_ms)),
        status=status,
        text=text,
        stable=text if stable is None else stable,
        words=words if times else (),
        level=level,
        backfilled=backfilled,
    )
