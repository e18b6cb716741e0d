"""What each pool may do on the server, and who looks at a deployment: the table behind `hubbub acl`.

A user has duties. A duty is some commands on some keys, and becomes a selector of the user's rule,
so that what is allowed on one key is not on another. The keys of a script count as written to, and
what it runs inside is checked as well: its commands are in the duty that has its keys.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from common.identity import Meeting
from common.stage import ON_REQUEST, Stream
from common.streams import keys
from common.topology import LODGERS, POOLS, READERS, STAGES, WRITES

_ANY = Meeting("*", "*")


@dataclass(frozen=True, slots=True)
class Duty:
    """Commands that may be run on `keys`; on those in `reads` as far as they only read."""

    commands: str
    keys: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()

    def __str__(self) -> str:
        """As rules of an ACL."""
        patterns = [f"~{key}" for key in self.keys] + [f"%R~{key}" for key in self.reads]
        commands = [name if name.startswith("-") else f"+{name}" for name in self.commands.split()]
        return " ".join(patterns + commands)


def _on_shards(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(keys.on_any_shard, names)))


def _streams(streams: Iterable[Stream]) -> tuple[str, ...]:
    return _on_shards(*(keys.stream(0, stream) for stream in streams))


_RESULTS = _streams([Stream.RESULTS])
_DEAD = _on_shards(keys.dead_letters(0))
_DELETED = _on_shards(keys.deleted(0))
_RECORDS = _on_shards(keys.meeting(0, _ANY), keys.meetings(0))
_BOTS = _on_shards(keys.bot(0, _ANY))
_CONTROLS = _on_shards(keys.bot_control(0, _ANY))
_REPORTS = _on_shards(keys.report(0, _ANY), keys.report_tries(0, _ANY), keys.report_orders(0))
_LEASES = _on_shards(keys.lease(0, "*"))
_WEBHOOKS = (keys.webhooks("*"),)
_TOKENS = (keys.token("*"),)
_DEPLOYMENT = (keys.DEPLOYMENT,)

CONNECT = Duty("@connection -@dangerous info command cluster|slots multi exec time wait script|load")
"""Without keys: to be connected, to one server or a cluster, and to bring one's scripts."""

_JOIN = (
    Duty("hexists hget hkeys hsetnx", _DEPLOYMENT),
    Duty("xgroup|create xinfo|groups", _streams(Stream)),
)
_LET_IN = (
    Duty("hgetall", reads=_TOKENS),
    Duty("hexists", reads=_DEPLOYMENT),
)
_READ_RESULTS = Duty("xread xrange xrevrange", reads=_RESULTS)
_READ_RECORDS = Duty("hgetall zrange zrevrange zrevrangebyscore", reads=_RECORDS)
_TAKE_AUDIO = Duty(
    "eval evalsha exists hdel hexists hget hgetall hincrby hset hsetnx xadd xlen zadd zrangebyscore zscore",
    (*_streams([Stream.AUDIO, Stream.RESULTS]), *_RECORDS, *_DELETED),
)
_COUNT_LIVE = Duty("eval evalsha pexpire zadd zcard zremrangebyscore zscore", (keys.live("*"),))
_LEAD_BOTS = (
    Duty("hgetall", reads=_BOTS),
    Duty("set", _CONTROLS),
    Duty("xread xrevrange", reads=(keys.COMMANDS,)),
)
_SEND_BOTS = (
    Duty("del exists expire hgetall hset hsetnx", (*_BOTS, *_CONTROLS)),
    Duty("expire xadd xlen xtrim", (keys.COMMANDS,)),
)
_WATCH = (
    Duty("scan"),
    Duty(
        "hget hgetall hkeys xinfo|groups xlen xpending",
        reads=(*_DEPLOYMENT, *_streams(Stream), *_DEAD, *_LEASES, keys.process("*", "*")),
    ),
    _READ_RECORDS,
)
_ERASE = Duty(
    "eval evalsha del exists hdel hget hgetall hkeys hscan hsetnx xack xdel xinfo|groups xrange zrem",
    (
        *_streams([Stream.RESULTS, Stream.DEFERRED]),
        *_DEAD,
        *_on_shards(keys.watermarks(0, "*")),
        *_RECORDS,
        *_DELETED,
        *_BOTS,
        *_CONTROLS,
        *_REPORTS,
        *_WEBHOOKS,
        keys.live("*"),
    ),
    reads=_streams([Stream.AUDIO, Stream.SPEECH, Stream.WINDOWS]),
)
_EXPIRE = Duty("memory|usage xlen xtrim zrangebyscore", (*_RESULTS, *_DEAD, *_RECORDS))
_ORDER_REPORTS = Duty("del get hget hmget zadd zscore", _REPORTS)
_BUILD_REPORTS = Duty("eval evalsha del expire hmget hset incrby zadd zrangebyscore zrem zscore", _REPORTS)
_KEEP_WEBHOOKS = Duty(
    "eval evalsha del get hdel hexists hget hgetall hincrby hmget hset incr incrby "
    "zadd zcard zrange zrangebyscore zrem zrevrange zrevrank zscore",
    _WEBHOOKS,
)
_NOTE = Duty("xadd", (keys.AUDIT,))
_QUEUES = (
    Duty("client|list"),
    Duty("@read @write -@dangerous -@scripting evalsha watch unwatch", ("rq:*",)),
)
"""RQ spells its own keys. Which commands it sends depends on its version; where it goes does not."""
_ADMINISTER = (
    Duty("del hgetall hset pexpireat zadd zrange zrem zremrangebyscore", _TOKENS),
    Duty("hdel hset", _DEPLOYMENT),
    Duty("xgroup|create xgroup|destroy xinfo|groups", _streams(Stream)),
    Duty("eval evalsha hdel hincrby xadd xclaim xdel xrange", (*_streams(Stream), *_DEAD, *_LEASES)),
    Duty("xadd xrange", (keys.AUDIT,)),
)


def _report_on(pool: str) -> Duty:
    return Duty("del expire hset", (keys.process(pool, "*"),))


def _run_stages(*stages: str) -> tuple[Duty, ...]:
    """To own shards, and to read, commit and trim there."""
    read = [stream for stream, readers in READERS.items() if set(readers) & set(stages)]
    inputs, cut = _streams(read), _streams(stream for stream in read if stream is not Stream.RESULTS)
    outputs = (*_streams(stream for stage in stages for stream in WRITES[stage]), *_DEAD)
    own = [key for stage in stages for key in (keys.lease(0, stage), keys.watermarks(0, stage))]
    held, records = _on_shards(*own), _on_shards(keys.meeting(0, _ANY))
    members, standings = tuple(map(keys.members, stages)), tuple(map(keys.standings, stages))
    changes = tuple(map(keys.changes, stages))
    shelves = _streams(stream for stream in read if stream in ON_REQUEST)
    work = (
        Duty("eval evalsha", (*inputs, *outputs, *held, *records, *members, *standings, *changes)),
        Duty("xack xclaim xgroup|setid xinfo|groups xinfo|stream xlen xpending xread xreadgroup", inputs),
        Duty("xadd xlen", outputs),
        Duty("hdel hget hgetall hmget hset", held),
        Duty("exists hincrby", records),
        Duty("xtrim", cut),
        Duty("zadd zcard zincrby zrange zrangebyscore zrem zscore", members),
        Duty("hdel hget hkeys hmget hset", standings),
        Duty("get incr", changes),
        Duty("memory|usage xrange", shelves),
    )
    return tuple(duty for duty in work if duty.keys)


def _duties() -> dict[str, tuple[Duty, ...]]:
    pools = {stage: _run_stages(stage) for stage in STAGES}
    pools["ingest"] = (_TAKE_AUDIO, _COUNT_LIVE, *_LET_IN, *_LEAD_BOTS)
    pools["gateway"] = (
        _READ_RESULTS, *_WATCH, *_LET_IN, _KEEP_WEBHOOKS, _ORDER_REPORTS, _NOTE, *_SEND_BOTS,
        Duty("xadd", _RESULTS), _ERASE,
    )  # fmt: skip
    pools["jobs"] = (
        *_run_stages(*LODGERS["jobs"]), _READ_RESULTS, _BUILD_REPORTS, _KEEP_WEBHOOKS, _ERASE, _EXPIRE,
        *_QUEUES,
    )  # fmt: skip
    found = {pool: (*pools[pool], _report_on(pool), *_JOIN) for pool in POOLS}
    found["operator"] = (*_WATCH, _READ_RESULTS, *_LET_IN, *_ADMINISTER)
    found["reader"] = (_READ_RESULTS, Duty("hget", reads=_DEPLOYMENT))
    return found


DUTIES = _duties()
"""By pool; besides, of `operator`, who runs our commands, and `reader`, a service that follows results."""


def user_of(name: str) -> str:
    """What the server calls one who has duties."""
    return f"hubbub-{name}"


def rule(name: str, digest: str = "") -> str:
    """The line of one user in an ACL file, with the SHA-256 of the password.

    Without it the line leaves passwords alone: a new user has none, and cannot log in.
    """
    login = f" resetpass #{digest}" if digest else ""
    duties = " ".join(f"({duty})" for duty in DUTIES[name])
    return f"user {user_of(name)} on{login} clearselectors resetkeys resetchannels -@all {CONNECT} {duties}"
