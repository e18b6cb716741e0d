"""When Whisper's text is not to be believed."""

from collections.abc import Sequence

_TOKENS_PER_S = 7
_TOKENS_AT_LEAST = 8
_NO_SPEECH = 0.6
_UNLIKELY = -1.0


def token_bound(duration_s: float) -> int:
    """Tokens that nobody says more of in this time."""
    return int(duration_s * _TOKENS_PER_S) + _TOKENS_AT_LEAST


def runs_away(tokens: Sequence[int], duration_s: float) -> bool:
    """Whether the text is longer than speech can be, or goes round in circles at its end."""
    return len(tokens) >= token_bound(duration_s) or _circles(tokens)


def invented(log_probability: float, no_speech: float) -> bool:
    """Whether a text was likely made up from noise: hardly speech, and hardly likely."""
    return no_speech > _NO_SPEECH and log_probability < _UNLIKELY


def _circles(tokens: Sequence[int]) -> bool:
    """Whether the last tokens are the same phrase three times over, of at least two tokens."""
    for size in range(2, len(tokens) // 3 + 1):
        last = tokens[-size:]
        if last == tokens[-2 * size : -size] == tokens[-3 * size : -2 * size]:
            return True
    return False
