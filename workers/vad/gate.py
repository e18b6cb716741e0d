"""Which hops Silero gets to hear: those around frames that webrtcvad passes."""

from common.audio import ms_to_samples
from workers.engines.silero_graph import HOP
from workers.engines.webrtc import FRAME, WebrtcVad

LOOKBACK = ms_to_samples(320)
"""Silero hears this much before the first frame that passes: it settles, and soft onsets are its to find."""
_HANG = ms_to_samples(320)
"""Silero goes on for this long behind the last frame that passed."""

_SETTLING = 8 * FRAME
"""A webrtcvad that starts afresh passes the faintest noise for this long (measured: up to 7 frames)."""


class Gate:
    """One take of one track. Hops lie on the grid of 512 samples from its first sample."""

    __slots__ = ("_base", "_framed", "_heard", "_since", "_until", "_vad")

    def __init__(self, mode: int, base: int) -> None:
        self._vad = WebrtcVad(mode)
        self._base = base
        self._framed = base  # up to here webrtcvad was asked
        self._since = base  # Silero is to hear from here …
        self._until = base  # … to here
        self._heard = base  # up to here it was asked to listen

    def hear(self, pcm: bytes) -> list[bool]:
        """Let webrtcvad judge what follows: whether each frame of 20 ms passes."""
        passed = self._vad.frames(pcm)
        settling = (self._base + _SETTLING - self._framed) // FRAME
        if settling > 0:
            passed[:settling] = [False] * min(settling, len(passed))
        if True in passed:
            first, last = passed.index(True), len(passed) - passed[::-1].index(True)
            self._since = self._framed + first * FRAME - LOOKBACK
            self._until = self._framed + last * FRAME + _HANG
        self._framed += len(passed) * FRAME
        return passed

    def hops(self, position: int, *, awake: bool) -> tuple[int, int]:
        """The stretch that Silero is to hear next, of the audio up to `position`; each hop once.

        `awake` says that it must not miss anything, whatever webrtcvad thinks. Where the stretch
        does not begin where the one before ended, Silero slept in between.
        """
        start = self._heard if awake else max(self._heard, self._grid(self._since))
        end = self._grid(position if awake else min(position, self._until + HOP - 1))
        if end <= start:
            return start, start
        self._heard = end
        return start, end

    def _grid(self, position: int) -> int:
        return position - (position - self._base) % HOP
