"""Which meetings go first where there is not enough for all."""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase

from common.identity import Meeting


def priorities(patterns: Mapping[str, int]) -> Callable[[Meeting], int]:
    """By patterns of `tenant/meeting`, with wildcards; the first that fits counts, without any it is 0."""

    def priority(meeting: Meeting) -> int:
        name = f"{meeting.tenant}/{meeting.id}"
        return next((rank for pattern, rank in patterns.items() if fnmatchcase(name, pattern)), 0)

    return priority
