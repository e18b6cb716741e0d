"""A phrase that was heard."""

from dataclasses import dataclass
from typing import Literal

from workers.keyword.phrases import Phrase


@dataclass(frozen=True, slots=True)
class Heard:
    """Where a phrase was said, since the meeting's first sample; who heard it, and how surely, 0 to 1."""

    phrase: Phrase
    start_ms: int
    end_ms: int
    score: float
    source: Literal["acoustic", "transcript"]
