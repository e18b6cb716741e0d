"""Where windows end, and what may be transcribed with them."""

from dataclasses import dataclass

from common.messages import Due


@dataclass(frozen=True, slots=True)
class Schedule:
    """Windows end on a grid of `step` samples from the start of the utterance.

    So where a window ends, and what is due with it, follows from the audio alone, and whoever
    begins in the middle of an utterance finds the same windows. A partial is due wherever speech
    has grown; how many of them are worth their cost is for whoever transcribes to say. `least` is
    the shortest stretch of an utterance that is worth a partial transcript.
    """

    step: int
    least: int

    def end(self, index: int) -> int:
        """Samples from the start of the utterance to the end of its window `index`, the first being 1."""
        return index * self.step

    def windows_to(self, samples: int) -> int:
        """The fewest windows that hold the first `samples` samples."""
        return -(-samples // self.step)

    def due(self, index: int, voiced: int) -> Due:
        """What is due with a window, given the samples from the start to the end of speech so far."""
        worth_it = voiced >= self.least and voiced > self.end(index - 1)
        return "partial" if worth_it else ""
