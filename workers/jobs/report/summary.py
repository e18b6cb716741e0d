"""A summary by extraction: the sentences that are most like all the others.

Erkan & Radev (2004), "LexRank: Graph-based Lexical Centrality as Salience in Text Summarization":
sentences are vectors of words weighted by how rare they are (tf-idf), linked where they are
alike, and ranked as PageRank ranks pages. Of sentences that say the same only one is taken
(Carbonell & Goldstein 1998, maximal marginal relevance).
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MIN_WORDS = 6
MAX_WORDS = 40
MAX_SENTENCES = 2000
"""Beyond these the evenly spaced ones are considered: links grow with the square."""

_ALIKE = 0.1
_SAME = 0.5
_DAMPING = 0.85
_ROUNDS = 50
_WORD = re.compile(r"[^\W\d_]{2,}(?:'[a-z]+)?|\d+")
_COMMON_WORDS = """
a about after again all also am an and any are as at back be because been before being both but by can
can't come could did didn't do does doesn't doing don't down each even every everybody everyone few first
for from further get getting give go goes going gonna good got great had has have having he her here hers
him his how i i'd i'll i'm i've if in into is isn't it it's its just kind know let let's like little lot
made make many maybe me mean might more most much must my need next no not now of off oh ok okay on once
one only or other our out over own people pretty put quite really right said same say see she should so
some something sort still such sure take than thank thanks that that's the their them then there there's
these they they're thing things think this those through to too two uh um under until up us very want was
way we we'll we're we've well went were what what's when where which while who why will with would yeah
yes yet you you'll you're your"""
_COMMON = frozenset(_COMMON_WORDS.split())
_EMPTY_PHRASES = re.compile(
    r"\b(?:can you hear|share my screen|good morning|good afternoon|thank you|thanks|welcome|see you|bye)\b",
    re.IGNORECASE,
)


def central_sentences(texts: Sequence[str], count: int) -> list[int]:
    """The indices of the sentences that sum up all of them best, at most `count`, in order."""
    chosen = _worth_ranking(texts)
    if len(chosen) <= count:
        return chosen
    likeness = _likeness([_words(texts[index]) for index in chosen])
    picked: list[int] = []
    for place in np.argsort(-_rank(likeness), kind="stable"):
        if len(picked) < count and all(likeness[place, other] < _SAME for other in picked):
            picked.append(int(place))
    return sorted(chosen[place] for place in picked)


def _worth_ranking(texts: Sequence[str]) -> list[int]:
    """Statements of some substance: not questions, courtesies, or fragments.

    Where sentences begin with capitals, one that does not is the rest of one that a pause cut in two.
    """
    cased = any(text[:1].isupper() for text in texts)
    worth = [
        index
        for index, text in enumerate(texts)
        if MIN_WORDS <= len(text.split()) <= MAX_WORDS
        and not text.endswith("?")
        and not (cased and text[:1].islower())
        and not _EMPTY_PHRASES.search(text)
        and len(set(_words(text))) >= MIN_WORDS // 2
    ]
    step = -(-len(worth) // MAX_SENTENCES) or 1
    return worth[::step]


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if word not in _COMMON]


def _likeness(sentences: Sequence[Sequence[str]]) -> NDArray[np.float32]:
    """The cosine of every two sentences, of shape (sentences, sentences)."""
    frequency = Counter(word for words in sentences for word in set(words))
    columns = {word: column for column, word in enumerate(sorted(frequency))}
    weights = np.zeros((len(sentences), len(columns)), np.float32)
    for row, words in enumerate(sentences):
        for word, times in Counter(words).items():
            weights[row, columns[word]] = times * np.log(1 + len(sentences) / frequency[word])
    lengths = np.linalg.norm(weights, axis=1, keepdims=True)
    weights /= np.maximum(lengths, 1e-9)
    cosines: NDArray[np.float32] = weights @ weights.T
    return cosines


def _rank(likeness: NDArray[np.float32]) -> NDArray[np.float64]:
    """PageRank of each sentence by power iteration."""
    links = np.where(likeness >= _ALIKE, likeness, 0).astype(np.float64)
    np.fill_diagonal(links, 0)  # or a sentence like no other would keep all of its own rank
    sums = links.sum(axis=1, keepdims=True)
    links = np.where(sums > 0, links / np.maximum(sums, 1e-12), 1 / len(links))
    rank = np.full(len(links), 1 / len(links))
    for _ in range(_ROUNDS):
        rank = (1 - _DAMPING) / len(links) + _DAMPING * (rank @ links)
    return rank
