"""What every wire format decodes to."""

from dataclasses import dataclass

from common.identity import Speaker
from ingest.pcm import PcmFormat


@dataclass(frozen=True, slots=True)
class Start:
    """A source announces the format of its audio and, maybe, who speaks."""

    format: PcmFormat
    speaker: Speaker | None = None


@dataclass(frozen=True, slots=True)
class Audio:
    """Whole frames of PCM.

    `speaker` is None where the message names nobody. `timestamp_ms` is the Unix time at which the
    source captured the last sample, by its own clock. Messages with `seq` are acknowledged.
    """

    pcm: bytes
    format: PcmFormat
    speaker: Speaker | None = None
    seq: int | None = None
    timestamp_ms: int | None = None


@dataclass(frozen=True, slots=True)
class End:
    """The source is done."""


@dataclass(frozen=True, slots=True)
class Ready:
    """MeetStream's handshake."""

    bot_id: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A message that says nothing to us, from a protocol that may grow."""

    what: str
