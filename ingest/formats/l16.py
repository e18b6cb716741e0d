"""`audio/L16`: bare 16-bit PCM, its rate and channels in the media type.

Samples are in network byte order, as RFC 2586 and RFC 3551 (section 4.5.11) have it, unless the
type says `endianness=little-endian`, as several speech services let it.
"""

from collections.abc import Mapping

from ingest.formats.values import Audio
from ingest.pcm import PcmFormat, parse_format
from ingest.refusals import Reason, Refused, shown

_ENCODINGS = {"big-endian": "pcm_s16be", "little-endian": "pcm_s16le"}


def parse_media_type(parameters: Mapping[str, str]) -> PcmFormat:
    """The format that `rate`, `channels` and `endianness` name. Raises Refused."""
    endianness = parameters.get("endianness", "big-endian")
    if endianness not in _ENCODINGS:
        raise Refused(Reason.FORMAT, f"endianness {shown(endianness)}: want {' or '.join(_ENCODINGS)}")
    rate, channels = (
        _number(parameters.get(name, default)) for name, default in (("rate", ""), ("channels", "1"))
    )
    return parse_format(rate, channels, _ENCODINGS[endianness])


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else text


class L16Reader:
    """The body of one upload, piece by piece."""

    def __init__(self, pcm_format: PcmFormat) -> None:
        self._format = pcm_format
        self._waiting = b""

    def push(self, piece: bytes) -> Audio | None:
        """Whole frames of what has come, if there are any."""
        available = self._waiting + piece
        taken = len(available) - len(available) % self._format.frame_bytes
        self._waiting = available[taken:]
        return Audio(available[:taken], self._format) if taken else None

    def finish(self) -> None:
        """The body is over. Raises Refused if a sample was cut off."""
        if self._waiting:
            raise Refused(Reason.ODD_BYTES, f"the body ended {len(self._waiting)} bytes into a frame")
