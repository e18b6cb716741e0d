"""Bytes that are nearly right: cut, spliced, flipped, repeated, with numbers at their edges."""

import random
from collections.abc import Callable, Sequence

_EDGES = [0, 1, 2, 7, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1]
_WORDS = [
    b"null", b"true", b"1e999", b"-1", b"9223372036854775808", b'"', b"{", b"[", b"\\ud800", b"\x00", b"\xff",
    b"RIFF", b"WAVE", b"fmt ", b"data", b"=", b"AAAA", b"\xdd\xff\xff\xff\xff",
    b"\xc6\x7f\xff\xff\xff", b"\x81\xa1",
]  # fmt: skip
LONGEST = 4_096


def mutated(seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """One of the seeds after one to six changes."""
    data = chance.choice(seeds)
    for _ in range(chance.randint(1, 6)):
        data = chance.choice(_CHANGES)(data, seeds, chance)[:LONGEST]
    return data


Change = Callable[[bytes, Sequence[bytes], random.Random], bytes]


def _flip(data: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    if not data:
        return b"\x00"
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def _number(data: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    at, size = chance.randint(0, len(data)), chance.choice([1, 2, 4])
    edge = (chance.choice(_EDGES) % 256**size).to_bytes(size, chance.choice(["little", "big"]))
    return data[:at] + edge + data[at + size :]


def _word(data: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + chance.choice(_WORDS) + data[at + chance.randint(0, 8) :]


def _cut(data: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    start = chance.randint(0, len(data))
    return data[:start] + data[chance.randint(start, len(data)) :]


def _repeat(data: bytes, _: Sequence[bytes], chance: random.Random) -> bytes:
    start = chance.randint(0, len(data))
    return data + data[start : start + 32] * chance.randint(1, 60)


def _splice(data: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    other = chance.choice(seeds)
    return data[: chance.randint(0, len(data))] + other[chance.randint(0, len(other)) :]


_CHANGES: Sequence[Change] = (_flip, _number, _word, _cut, _repeat, _splice)
