"""From Whisper's tokens to words, and from their alignment with the audio to times."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from typing import Any

import numpy as np
from faster_whisper.tokenizer import Tokenizer

from workers.engines.speech import HypothesisWord

_S_PER_STEP = 0.02


@dataclass(frozen=True, slots=True)
class Spelling:
    """A word with its punctuation, and how many of its tokens are spoken rather than punctuation after it."""

    text: str
    tokens: tuple[int, ...]
    spoken: int

    @property
    def sound(self) -> str:
        """What is left for comparing, without case and punctuation."""
        return "".join(filter(str.isalnum, self.text)).casefold()


def spell(tokenizer: Tokenizer, tokens: list[int]) -> list[Spelling]:
    """The words of a text; punctuation stays with the word before it."""
    texts, pieces = tokenizer.split_to_word_tokens([*tokens, tokenizer.eot])
    words: list[Spelling] = []
    for text, piece in zip(texts[:-1], pieces[:-1], strict=True):
        if words and not (text.startswith(" ") and any(map(str.isalnum, text))):
            before = words.pop()
            words.append(
                Spelling(before.text + text.rstrip(), (*before.tokens, *piece), _spoken(before, text, piece))
            )
        else:
            words.append(Spelling(text.strip(), tuple(piece), len(piece)))
    return words


def _spoken(word: Spelling, text: str, piece: list[int]) -> int:
    return len(word.tokens) + len(piece) if any(map(str.isalnum, text)) else word.spoken


def unsaid(words: Sequence[HypothesisWord], end_s: float) -> int:
    """How many words at the end have no audio left to be said in, at the end of all audio.

    Where audio stops in mid-speech, a model goes on with what may come next, or goes round in circles;
    the alignment finds no place for that but the last step.
    """
    at_the_end = (
        word.start_s >= word.end_s and word.end_s > end_s - 2 * _S_PER_STEP for word in reversed(words)
    )
    count = sum(1 for _ in takewhile(bool, at_the_end))
    return count if count > 1 else 0


def words_said_before(before: list[Spelling], words: list[Spelling]) -> int:
    """How many words at the beginning repeat the end of what was said before."""
    said, saying = [word.sound for word in before], [word.sound for word in words]
    longest = min(len(said), len(saying))
    return next((count for count in range(longest, 0, -1) if said[-count:] == saying[:count]), 0)


def timed_words(
    tokenizer: Tokenizer, tokens: list[int], aligned: Any, start_s: float
) -> tuple[HypothesisWord, ...]:
    """The words of a text in audio that begins at `start_s`; none where the audio is too short to align.

    `aligned` is CTranslate2's WhisperAlignmentResult: a path of (token, step of 20 ms), and a
    probability a token.
    """
    if not tokens or not aligned.alignments:
        return ()
    path = np.array(aligned.alignments)
    moves = np.concatenate([[True], np.diff(path[:, 0]) > 0])
    starts_s = start_s + path[moves, 1] * _S_PER_STEP
    words = spell(tokenizer, tokens)
    begins = accumulate((len(word.tokens) for word in words), initial=0)
    return tuple(
        HypothesisWord(
            word.text,
            float(starts_s[begin]),
            float(starts_s[begin + word.spoken]),
            float(np.mean(aligned.text_token_probs[begin : begin + word.spoken])),
        )
        for begin, word in zip(begins, words, strict=False)
    )
