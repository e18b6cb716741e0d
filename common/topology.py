"""Which pool reads and writes which stream. Trimming waits for every reader named here."""

from common.stage import Stream

READERS: dict[Stream, tuple[str, ...]] = {
    Stream.AUDIO: ("vad",),
    Stream.SPEECH: ("asr", "keyword", "sentiment"),
    Stream.WINDOWS: ("emitter",),
    Stream.DEFERRED: ("emitter",),
    Stream.RESULTS: ("keyword", "sentiment"),
}
WRITES: dict[str, tuple[Stream, ...]] = {
    "ingest": (Stream.AUDIO, Stream.RESULTS),
    "vad": (Stream.SPEECH, Stream.RESULTS),
    "asr": (Stream.WINDOWS,),
    "emitter": (Stream.DEFERRED, Stream.RESULTS),
    "keyword": (Stream.RESULTS,),
    "sentiment": (Stream.RESULTS,),
}
STAGES = ("vad", "asr", "emitter", "keyword", "sentiment")
POOLS = ("ingest", *STAGES, "gateway", "jobs")
