"""How keys are spelled. The shard in braces is the hash tag: one commit, one slot."""

from functools import cache

from common.identity import Meeting
from common.stage import Stream

DEPLOYMENT = "hb:deployment"
COMMANDS = "hb:commands"
TOKENS = "hb:{tokens}:all"
AUDIT = "hb:audit"


@cache
def stream(shard: int, name: Stream) -> str:
    """A stream of a shard."""
    return f"hb:{{{shard}}}:{name}"


def dead_letters(shard: int) -> str:
    """The stream of entries that no stage could process."""
    return f"hb:{{{shard}}}:dead"


@cache
def lease(shard: int, pool: str) -> str:
    """The hash that says who owns a shard within a pool."""
    return f"hb:{{{shard}}}:lease:{pool}"


@cache
def watermarks(shard: int, pool: str) -> str:
    """The hash of positions that a pool's effects have reached."""
    return f"hb:{{{shard}}}:watermarks:{pool}"


def meeting(shard: int, meeting_: Meeting) -> str:
    """The hash that holds a meeting's record."""
    return meeting_named(shard, f"{meeting_.tenant}/{meeting_.id}")


def meeting_named(shard: int, name: str) -> str:
    """The same, by the name under which `meetings` lists it."""
    return f"hb:{{{shard}}}:meeting:{name}"


def meetings(shard: int) -> str:
    """The sorted set of a shard's meetings by the time they were last heard."""
    return f"hb:{{{shard}}}:meetings"


def bot(shard: int, meeting_: Meeting) -> str:
    """The hash that holds the record of the bot in a meeting."""
    return f"hb:{{{shard}}}:bot:{meeting_.tenant}/{meeting_.id}"


def bot_control(shard: int, meeting_: Meeting) -> str:
    """Which process holds the control socket of the bot in a meeting."""
    return f"hb:{{{shard}}}:bot-control:{meeting_.tenant}/{meeting_.id}"


def report(shard: int, meeting_: Meeting) -> str:
    """The hash that holds the report of a meeting."""
    return f"hb:{{{shard}}}:report:{meeting_.tenant}/{meeting_.id}"


def report_tries(shard: int, meeting_: Meeting) -> str:
    """How often a meeting's report was begun since it was ordered."""
    return f"hb:{{{shard}}}:report-tries:{meeting_.tenant}/{meeting_.id}"


def report_orders(shard: int) -> str:
    """The sorted set of the meetings of a shard whose reports are to be built, by when."""
    return f"hb:{{{shard}}}:report-orders"


def members(pool: str) -> str:
    """The sorted set of a pool's members by heartbeat."""
    return f"hb:members:{pool}"


def standings(pool: str) -> str:
    """The hash of what a pool's members say of themselves; in one slot with `members`, for a script."""
    return f"hb:{{{members(pool)}}}:standings"


def changes(pool: str) -> str:
    """The count of changes of both, likewise."""
    return f"hb:{{{members(pool)}}}:changes"


def process(pool: str, member: str) -> str:
    """The hash in which a process reports on itself."""
    return f"hb:process:{pool}:{member}"


def token(token_id: str) -> str:
    """The hash that says what a token allows; in one slot with TOKENS, which lists them by expiry."""
    return f"hb:{{tokens}}:{token_id}"


def webhooks(part: str, subscription: str = "") -> str:
    """A part of what is known of webhooks, or of one subscription; all in one slot, for its scripts."""
    return f"hb:{{webhooks}}:{part}:{subscription}" if subscription else f"hb:{{webhooks}}:{part}"


def live(tenant: str) -> str:
    """The sorted set of a tenant's meetings that are heard now."""
    return f"hb:live:{tenant}"


def deleted(shard: int) -> str:
    """The hash of a shard's meetings that are being deleted, until nothing is left of them."""
    return f"hb:{{{shard}}}:deleted"


def on_any_shard(key: str) -> str:
    """The pattern, as servers match them, of a key of shard 0 and of its likes on all shards."""
    return key.replace("{0}", "{[0-9]*}")
