"""The acoustic model that PocketSphinx ships, as arrays: phones, their states, and Gaussians.

The model is phonetically tied: all states of a phone, in whatever context, mix the same Gaussians, each
with weights of its own. Source of the formats: CMU Sphinx, `bin_mdef.c`, `ms_gauden.c`, `ptm_mgau.c`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pocketsphinx
from numpy.typing import NDArray

from common.errors import EngineError

STATES = 3
"""Of a phone's hidden Markov model, passed from left to right without leaving one out."""
_FOLDER = "en-us/en-us"
_SILENCE = "SIL"
_INSIDE, _BEGIN, _END, _SINGLE = _ANYWHERE = range(4)
_CONTEXT = [(name, "u1") for name in ("place", "phone", "left", "right")]
_MAGIC = 0x11223344
_HEADER_END = b"endhdr\n"
_WEIGHT_STEP = np.float32(1024 * np.log(1.0001))
"""A step of the weights kept as bytes, in nats."""
_LEAST_VARIANCE = 1e-4
_LEAST_TRANSITION = 1e-4

Phones = tuple[str, ...]
_Index = TypeVar("_Index", int, NDArray[np.int32])


@dataclass(frozen=True, slots=True)
class Triphone:
    """A phone in its context: the senones of its three states, and whose transitions it has."""

    senones: tuple[int, int, int]
    transitions: int


class Definition:
    """Which senones a phone has between which neighbours."""

    def __init__(self, phones: Sequence[str], entries: NDArray[np.void], senones: NDArray[np.uint16]) -> None:
        self.phones = tuple(phones)
        self._index = {phone: index for index, phone in enumerate(phones)}
        self._senones = senones
        self._entries = entries
        self._keys = _key(*(entries[name].astype(np.int32) for name in ("phone", "left", "right", "place")))
        self._keys[: len(phones)] = -1

    def alone(self) -> list[Triphone]:
        """Every phone without regard to context."""
        return [self._triphone(index) for index in range(len(self.phones))]

    def spoken(self, phones: Phones) -> list[Triphone]:
        """A word's phones, each between its neighbours, with silence around. Raises EngineError."""
        try:
            line = [self._index[phone] for phone in (_SILENCE, *phones, _SILENCE)]
        except KeyError as error:
            raise EngineError(f"the acoustic model has no phone {error}") from error
        return [
            self._between(*line[at - 1 : at + 2], place=_place(at - 1, len(phones)))
            for at in range(1, len(line) - 1)
        ]

    def phone_of_senone(self) -> NDArray[np.intp]:
        """The phone whose Gaussians each senone mixes."""
        phones = np.zeros(int(self._senones.max()) + 1, np.intp)
        of_entry = self._entries["phone"].astype(np.intp)
        of_entry[: len(self.phones)] = np.arange(len(self.phones))
        phones[self._senones[self._entries["senones"]]] = of_entry[:, None]
        return phones

    def _between(self, left: int, phone: int, right: int, *, place: int) -> Triphone:
        """One not seen in training is taken from another place of a word, or without context."""
        for there in (place, *_ANYWHERE):
            found = np.flatnonzero(self._keys == _key(phone, left, right, there))
            if found.size:
                return self._triphone(int(found[0]))
        return self._triphone(phone)

    def _triphone(self, entry: int) -> Triphone:
        first, second, third = self._senones[self._entries["senones"][entry]].tolist()
        return Triphone((first, second, third), int(self._entries["transitions"][entry]))


@dataclass(frozen=True, slots=True)
class AcousticModel:
    """What a frame is scored with.

    Gaussians have the shape (streams, phones, densities, values), the log weights with which senones mix
    them (streams, densities, senones). `steps` are the log probabilities of staying in a state and of going
    on, of shape (transitions, states, 2).
    """

    definition: Definition
    means: NDArray[np.float32]
    variances: NDArray[np.float32]
    log_weights: NDArray[np.float32]
    steps: NDArray[np.float32]


def load_model() -> AcousticModel:
    """Read it from where PocketSphinx keeps it. Raises EngineError."""
    folder = Path(pocketsphinx.get_model_path(_FOLDER))
    try:
        definition = _definition((folder / "mdef").read_bytes())
        return AcousticModel(
            definition,
            _gaussians((folder / "means").read_bytes()),
            np.maximum(_gaussians((folder / "variances").read_bytes()), _LEAST_VARIANCE),
            _weights((folder / "sendump").read_bytes()),
            _steps((folder / "transition_matrices").read_bytes()),
        )
    except (OSError, StopIteration, ValueError) as error:
        raise EngineError(f"cannot read PocketSphinx's acoustic model {folder}: {error}") from error


def _key(phone: _Index, left: _Index, right: _Index, place: _Index) -> _Index:
    return ((phone * 64 + left) * 64 + right) * 4 + place


def _place(at: int, length: int) -> int:
    if length == 1:
        return _SINGLE
    return _BEGIN if at == 0 else _END if at == length - 1 else _INSIDE


def _definition(data: bytes) -> Definition:
    if data[:4] != b"BMDF":
        raise ValueError("mdef has another byte order or format")
    at = 12 + int(np.frombuffer(data, "<i4", 1, 8)[0])
    phones, entries, states, _, _, _, sequences, _, nodes, _ = np.frombuffer(data, "<i4", 10, at).tolist()
    if states != STATES:
        raise ValueError(f"phones of {states} states")
    at += 40
    names = []
    for _ in range(phones):
        end = data.index(b"\0", at)
        names.append(data[at:end].decode())
        at = end + 1
    at += -at % 4 + 8 * nodes
    entry = np.dtype([(name, "<i4") for name in ("senones", "transitions")] + _CONTEXT)
    table = np.frombuffer(data, entry, entries, at)
    at += table.nbytes + 4
    return Definition(names, table, np.frombuffer(data, "<u2", STATES * sequences, at).reshape(-1, STATES))


def _numbers(data: bytes, dimensions: int) -> tuple[list[int], NDArray[np.float32]]:
    """The dimensions and values of a file of CMU Sphinx's third format."""
    at = data.index(_HEADER_END) + len(_HEADER_END)
    magic, *sizes = np.frombuffer(data, "<u4", 1 + dimensions, at).tolist()
    if magic != _MAGIC:
        raise ValueError("another byte order")
    at += 4 * (1 + dimensions)
    return sizes, np.frombuffer(data, "<f4", (len(data) - at) // 4, at)


def _gaussians(data: bytes) -> NDArray[np.float32]:
    (phones, streams, densities), rest = _numbers(data, 3)
    lengths = rest[:streams].view("<i4")
    if len(set(lengths.tolist())) != 1:
        raise ValueError(f"streams of unequal lengths {lengths}")
    count = phones * streams * densities * int(lengths[0])
    values = rest[streams + 1 :][:count].reshape(phones, streams, densities, -1)
    return np.ascontiguousarray(values.transpose(1, 0, 2, 3))


def _steps(data: bytes) -> NDArray[np.float32]:
    (transitions, states, following, _), rest = _numbers(data, 4)
    counts = rest[: transitions * states * following].reshape(transitions, states, following)
    likely = np.maximum(counts, np.where(counts > 0, _LEAST_TRANSITION, 0.0))
    likely /= likely.sum(axis=2, keepdims=True)
    ways = np.stack([likely.diagonal(offset, 1, 2) for offset in (0, 1)], axis=2)
    if not np.allclose(ways.sum(axis=2), 1.0):
        raise ValueError("transitions that leave states out")
    return np.asarray(np.log(np.maximum(ways, _LEAST_TRANSITION)), np.float32)


def _weights(data: bytes) -> NDArray[np.float32]:
    notes, at = _notes(data)
    streams = next(int(note.split()[1]) for note in notes if note.startswith("feature_count "))
    densities, senones = np.frombuffer(data, "<i4", 2, at).tolist()
    codes = np.frombuffer(data, np.uint8, streams * densities * senones, at + 8)
    return np.asarray(-_WEIGHT_STEP * codes.reshape(streams, densities, senones).astype(np.float32))


def _notes(data: bytes) -> tuple[list[str], int]:
    """The lines at the start of a dump, and where what follows them begins."""
    notes, at = [], 0
    while length := int(np.frombuffer(data, "<i4", 1, at)[0]):
        notes.append(data[at + 4 : at + 3 + length].decode("latin-1"))
        at += 4 + length
    return notes, at + 4
