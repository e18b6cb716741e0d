"""Which pool reads which stream. Trimming waits for every group named here."""

from common.stage import Stream

READERS: dict[Stream, tuple[str, ...]] = {
    Stream.AUDIO: ("vad",),
    Stream.SPEECH: ("asr", "keyword", "sentiment"),
    Stream.WINDOWS: ("emitter",),
    Stream.RESULTS: ("keyword", "sentiment"),
}
STAGES = ("vad", "asr", "emitter", "keyword", "sentiment")
SERVICES = ("ingest", "gateway", "jobs")
POOLS = SERVICES[:1] + STAGES + SERVICES[1:]
