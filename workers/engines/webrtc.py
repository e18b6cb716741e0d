"""webrtcvad: a Gaussian mixture on six bands that costs next to nothing per 20 ms frame."""

import webrtcvad

from common.audio import BYTES_PER_SAMPLE, SAMPLE_RATE

FRAME = 320
"""Samples of the 20 ms frame it is asked about."""
_FRAME_BYTES = FRAME * BYTES_PER_SAMPLE


class WebrtcVad:
    """Follows one track from a given sample on; what does not fill a frame waits for the next call."""

    __slots__ = ("_is_speech", "_rest")

    def __init__(self, mode: int) -> None:
        self._is_speech = webrtcvad.Vad(mode).is_speech
        self._rest = b""

    def frames(self, pcm: bytes) -> list[bool]:
        """Whether each frame that `pcm` completes is speech, in order."""
        if self._rest:
            pcm = self._rest + pcm
        is_speech = self._is_speech
        whole = len(pcm) - len(pcm) % _FRAME_BYTES
        self._rest = pcm[whole:]
        return [is_speech(pcm[at : at + _FRAME_BYTES], SAMPLE_RATE) for at in range(0, whole, _FRAME_BYTES)]
