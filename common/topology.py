"""Which stage reads and writes which stream. Trimming waits for every reader named here."""

from common.stage import Stream

READERS: dict[Stream, tuple[str, ...]] = {
    Stream.AUDIO: ("vad",),
    Stream.SPEECH: ("asr", "keyword", "sentiment", "coaching"),
    Stream.WINDOWS: ("emitter",),
    Stream.DEFERRED: ("emitter",),
    Stream.RESULTS: ("keyword", "sentiment", "highlights", "webhooks", "reports", "coaching"),
}
WRITES: dict[str, tuple[Stream, ...]] = {
    "ingest": (Stream.AUDIO, Stream.RESULTS),
    "vad": (Stream.SPEECH, Stream.RESULTS),
    "asr": (Stream.WINDOWS,),
    "emitter": (Stream.DEFERRED, Stream.RESULTS),
    "keyword": (Stream.RESULTS,),
    "sentiment": (Stream.RESULTS,),
    "highlights": (Stream.RESULTS,),
    "webhooks": (),
    "reports": (),
    "coaching": (Stream.RESULTS,),
}
UNHURRIED = ("sentiment", "highlights", "webhooks", "reports", "coaching")
"""Stages that nobody waits for."""
GATHER_S: dict[str, float] = {
    "keyword": 0.05,
    "sentiment": 0.15,
    **dict.fromkeys(("highlights", "webhooks", "reports", "coaching"), 0.25),
}
"""How long, at the most, entries gather for a call of these stages; for the others it is 20 ms."""
STAGES = ("vad", "asr", "emitter", "keyword", "sentiment")
"""Pools that are one stage each."""
OPTIONAL = ("keyword", "sentiment")
"""Pools without which the others still make sense."""
ON_DEMAND = ("coaching",)
"""Stages that a deployment has only when it was told to."""
LODGERS: dict[str, tuple[str, ...]] = {"jobs": ("highlights", "webhooks", "reports", "coaching")}
"""Stages that live in the processes of another pool, with groups and leases of their own."""
POOLS = ("ingest", *STAGES, "gateway", "jobs")
