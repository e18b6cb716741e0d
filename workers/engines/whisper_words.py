"""From Whisper's tokens and their alignment with the audio to words with times."""

from typing import Any

import numpy as np
from faster_whisper.tokenizer import Tokenizer

from workers.engines.speech import HypothesisWord

_S_PER_STEP = 0.02
_STARTS_A_WORD = " "


def timed_words(
    tokenizer: Tokenizer, tokens: list[int], aligned: Any, start_s: float
) -> tuple[HypothesisWord, ...]:
    """The words of a text that begins at `start_s`; punctuation stays with the word before it.

    `aligned` is CTranslate2's WhisperAlignmentResult: a path of (token, step of 20 ms), and a
    probability a token.
    """
    if not tokens:
        return ()
    texts, pieces = tokenizer.split_to_word_tokens([*tokens, tokenizer.eot])
    path = np.array(aligned.alignments)
    moves = np.concatenate([[True], np.diff(path[:, 0]) > 0])
    starts_s = start_s + path[moves, 1] * _S_PER_STEP
    bounds = np.cumsum([0, *map(len, pieces[:-1])])
    words: list[HypothesisWord] = []
    for text, begin, end in zip(texts[:-1], bounds[:-1], bounds[1:], strict=True):
        probability = float(np.mean(aligned.text_token_probs[begin:end]))
        if words and not _is_word(text):
            before = words.pop()
            words.append(
                HypothesisWord(before.text + text.strip(), before.start_s, before.end_s, before.probability)
            )
        else:
            words.append(
                HypothesisWord(text.strip(), float(starts_s[begin]), float(starts_s[end]), probability)
            )
    return tuple(words)


def _is_word(text: str) -> bool:
    return text.startswith(_STARTS_A_WORD) and any(map(str.isalnum, text))
