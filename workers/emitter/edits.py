"""How far one sequence of words is from another, whatever their case and punctuation."""

from collections.abc import Sequence


def sound(word: str) -> str:
    """What is left of a word for comparing; the word itself where that is nothing."""
    return "".join(filter(str.isalnum, word)).casefold() or word


def prefix_distances(said: Sequence[str], saying: Sequence[str]) -> list[int]:
    """Word edits between `said` and each prefix of `saying`, the empty one first."""
    distances = list(range(len(saying) + 1))
    for i, word in enumerate(map(sound, said), 1):
        diagonal, distances[0] = distances[0], i
        for j, other in enumerate(map(sound, saying), 1):
            substituted = diagonal + (word != other)
            diagonal = distances[j]
            distances[j] = min(substituted, distances[j] + 1, distances[j - 1] + 1)
    return distances
