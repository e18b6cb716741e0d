"""Replicas that should have what is written before it counts as done.

Redis replicates after it has answered: what a primary acknowledged and did not pass on is gone
when a replica takes its place. WAIT, behind the writes and on the same connection, answers once
enough replicas have them, or too late with how many do.
"""

from common.metrics import UNREPLICATED
from common.settings import RedisSettings

WaitCommand = tuple[str, int, int]


def wait_command(settings: RedisSettings) -> WaitCommand | None:
    """What to send behind writes, if anything."""
    return ("WAIT", settings.wait_replicas, settings.wait_ms) if settings.wait_replicas else None


def is_replicated(command: WaitCommand, reply: object) -> bool:
    """Whether enough replicas have the writes; counted where not."""
    if isinstance(reply, int) and reply >= command[1]:
        return True
    UNREPLICATED.inc()
    return False
