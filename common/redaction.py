"""Texts for logs and terminals, without the secrets that may be in them."""

import re

MASK = "***"
_SECRETS = (
    re.compile(r"(?<=access_token=)[^&\s\"']+"),
    re.compile(r"(?<=bearer )[^\s\"',]+", re.IGNORECASE),
    re.compile(r"(?<=authorization: token )[^\s\"',]+", re.IGNORECASE),
    re.compile(r"(?<=/meetstream/audio/)[^\s/\"'?]+"),
    re.compile(r"(?<=/meetstream/control/)[^\s/\"'?]+"),
    re.compile(r"(?<=://)[^/\s@\"']*:[^/\s@\"']*(?=@)"),
    re.compile(r"(?<=hubbub_)[A-Za-z0-9_-]{40,}"),
    re.compile(r"(?<=whsec_)[A-Za-z0-9+/=]{20,}"),
)
"""Tokens wherever requests carry them, logins in addresses, and what we make ourselves, by its prefix."""


def redacted(text: str) -> str:
    """The same text with every secret that looks like one masked."""
    for secret in _SECRETS:
        text = secret.sub(MASK, text)
    return text
