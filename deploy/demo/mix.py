"""From lines to a meeting: placement, levels, room, and who is the dominant speaker when."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.signal import lfilter
from script import LEAD_IN_MS, LEAD_OUT_MS, Line
from voices import RATE, Audio

SPEECH_DBFS = -23.0
ROOM_TONE_DBFS = -66.0
PEAK = 10 ** (-3 / 20)
_MS = RATE // 1000
_FRAME_MS = 20
_SPEAKING_DBFS = -46.0
# A platform smooths its choice of the dominant speaker and holds it a little; it buffers, too, so
# the label covers the onset.
_SMOOTH_FRAMES = 5
_LABEL_LEAD_MS = 120
_LABEL_HOLD_MS = 300
_KEEP_LABEL_MS = 800
_SHORTEST_SILENCE_MS = 400
_SHORTEST_RUN_MS = 120


@dataclass(frozen=True, slots=True)
class Span:
    """Something that lasts, in milliseconds since the start of the meeting."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Label:
    """The dominant speaker's id for a while; None where nobody speaks."""

    speaker: str | None
    span: Span


def place(lines: Sequence[Line], spoken: Sequence[Audio]) -> list[Span]:
    """When each line is said."""
    spans: list[Span] = []
    end_ms = LEAD_IN_MS
    for line, audio in zip(lines, spoken, strict=True):
        start_ms = end_ms + line.gap_ms
        end_ms = start_ms + -(-len(audio) // _MS)
        spans.append(Span(start_ms, end_ms))
    return spans


def stems(lines: Sequence[Line], spoken: Sequence[Audio], spans: Sequence[Span]) -> dict[str, Audio]:
    """One track per speaker, levelled, all as long as the meeting."""
    frames = -(-(spans[-1].end_ms + LEAD_OUT_MS) // _FRAME_MS)
    length = frames * _FRAME_MS * _MS
    tracks = {line.speaker: np.zeros(length, np.float32) for line in lines}
    for line, audio, span in zip(lines, spoken, spans, strict=True):
        at = span.start_ms * _MS
        tracks[line.speaker][at : at + len(audio)] += _level(audio, SPEECH_DBFS + line.delivery.gain_db)
    return tracks


def mix(tracks: dict[str, Audio]) -> Audio:
    """All tracks in one room, peaks rounded off below PEAK."""
    rng = np.random.default_rng(20)
    together = sum((_in_room(track, rng) for track in tracks.values()), np.zeros(1, np.float32))
    noise = lfilter([1.0], [1.0, -0.97], rng.standard_normal(len(together)))
    tone = noise * (10 ** (ROOM_TONE_DBFS / 20) / noise.std())
    return _limit(together + tone)


def labels(tracks: dict[str, Audio]) -> list[Label]:
    """The dominant-speaker timeline; it covers the whole meeting without a hole."""
    names = list(tracks)
    levels = np.stack([_levels(track) for track in tracks.values()])
    loudest = np.where(levels.max(axis=0) > _SPEAKING_DBFS, levels.argmax(axis=0), -1)
    runs = _merged(_runs([names[i] if i >= 0 else None for i in loudest]))
    return _padded(runs, levels.shape[1] * _FRAME_MS)


def _level(audio: Audio, dbfs: float) -> Audio:
    """Scale to an RMS over the loud half of the frames, so that pauses don't count."""
    frame = RATE // 50
    power = (audio[: len(audio) // frame * frame].reshape(-1, frame) ** 2).mean(axis=1)
    loud = np.sort(power)[len(power) // 2 :].mean()
    faded = audio * np.float32(10 ** (dbfs / 20) / np.sqrt(loud))
    ramp = np.linspace(0, 1, 5 * _MS, dtype=np.float32)
    faded[: len(ramp)] *= ramp
    faded[-len(ramp) :] *= ramp[::-1]
    return faded


def _in_room(track: Audio, rng: np.random.Generator) -> Audio:
    """A handful of early reflections, as of a small office."""
    heard = track.copy()
    for delay_ms in rng.integers(4, 30, 6):
        delay = int(delay_ms) * _MS
        gain = np.float32(0.12 * np.exp(-delay_ms / 18) * rng.choice([-1, 1]))
        heard[delay:] += gain * track[:-delay]
    return heard


def _limit(audio: Audio) -> Audio:
    """Round off what exceeds two thirds of PEAK, smoothly."""
    knee = PEAK * 2 / 3
    room = PEAK - knee
    over = np.maximum(np.abs(audio) - knee, 0)
    return (np.sign(audio) * (np.minimum(np.abs(audio), knee) + room * np.tanh(over / room))).astype(
        np.float32
    )


def _levels(track: Audio) -> Audio:
    """Smoothed level of each frame in dBFS."""
    frame = _FRAME_MS * _MS
    power = (track[: len(track) // frame * frame].reshape(-1, frame) ** 2).mean(axis=1)
    smooth = np.convolve(power, np.full(_SMOOTH_FRAMES, 1 / _SMOOTH_FRAMES), mode="same")
    return 10 * np.log10(smooth + 1e-12)


def _runs(speakers: Sequence[str | None]) -> list[Label]:
    """Stretches of one dominant speaker, silence and flicker left out."""
    edges = [0, *(i for i, (a, b) in enumerate(pairwise(speakers), 1) if a != b), len(speakers)]
    runs = [Label(speakers[a], Span(a * _FRAME_MS, b * _FRAME_MS)) for a, b in pairwise(edges)]
    return [run for run in runs if run.speaker and run.span.end_ms - run.span.start_ms >= _SHORTEST_RUN_MS]


def _merged(runs: Sequence[Label]) -> list[Label]:
    """Join runs of the same speaker over a short pause."""
    merged = [runs[0]]
    for run in runs[1:]:
        last = merged[-1]
        if run.speaker == last.speaker and run.span.start_ms - last.span.end_ms < _KEEP_LABEL_MS:
            merged[-1] = Label(last.speaker, Span(last.span.start_ms, run.span.end_ms))
        else:
            merged.append(run)
    return merged


def _padded(runs: Sequence[Label], duration_ms: int) -> list[Label]:
    """Let labels begin early and hold on, and say None in between where it lasts."""
    timeline: list[Label] = []
    at = 0
    starts = [run.span.start_ms - _LABEL_LEAD_MS for run in runs[1:]] + [duration_ms]
    for run, later in zip(runs, starts, strict=True):
        start = max(at, run.span.start_ms - _LABEL_LEAD_MS)
        end = run.span.end_ms + _LABEL_HOLD_MS
        if end > later - _SHORTEST_SILENCE_MS:
            end = max(run.span.end_ms, later)
        if start > at:
            timeline.append(Label(None, Span(at, start)))
        timeline.append(Label(run.speaker, Span(start, end)))
        at = end
    if at < duration_ms:
        timeline.append(Label(None, Span(at, duration_ms)))
    return timeline
