"""How fast a connection is read: a leaky bucket over audio and messages at once."""

import asyncio
import time

from common.settings import IngestSettings
from ingest import metrics
from ingest.formats.values import Audio

_BURST_MS = 5_000


class Throttle:
    """Says how long to wait before the next message is read; what is not read waits in its sender.

    Audio costs its duration divided by `speed`, and each message at least its share of a second.
    What has not been used for a while may come at once.
    """

    def __init__(self, speed: float, messages_per_s: float) -> None:
        self._speed = speed
        self._message_ms = 1000 / messages_per_s
        self._paid_until_ms = 0.0

    def take(self, audio_ms: float, now_ms: float) -> float:
        """Account for a message; returns the milliseconds to wait."""
        cost_ms = max(audio_ms / self._speed, self._message_ms)
        self._paid_until_ms = max(self._paid_until_ms, now_ms) + cost_ms
        return max(0.0, self._paid_until_ms - now_ms - _BURST_MS)


class Pacing:
    """Keeps one connection to its throttle, and says how long it was kept."""

    def __init__(self, settings: IngestSettings, wire: str) -> None:
        self._throttle = Throttle(settings.max_speed, settings.max_messages_s)
        self._held_back = metrics.HELD_BACK_SECONDS.labels(wire)

    async def keep(self, audio: Audio) -> int:
        """Wait until the connection may be read on; returns the milliseconds that took."""
        audio_ms = len(audio.pcm) / audio.format.frame_bytes * 1000 / audio.format.rate
        wait_ms = self._throttle.take(audio_ms, time.monotonic() * 1000)
        if wait_ms:
            self._held_back.inc(wait_ms / 1000)
            await asyncio.sleep(wait_ms / 1000)
        return int(wait_ms)
