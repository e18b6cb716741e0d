"""The highlights stage: reads the finals, puts out what is worth coming back to."""

from collections.abc import Sequence

from common.results import Transcript
from common.stage import Acknowledge, Append, Effect, Entry, Step, Stream
from workers.jobs.highlights.finding import bound_and_settled


class HighlightStage:
    """Unpositioned: what it puts out rests on the entry acknowledged in the same commit."""

    name = "highlights"
    inputs = (Stream.RESULTS,)

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        """Put out the highlights of each final text, backfilled ones too."""
        effects: list[Effect] = []
        for entry in entries:
            said = entry.message
            if isinstance(said, Transcript) and said.status == "final":
                captured_ms = said.emitted_at_ms - said.latency_ms
                effects += [
                    Append(entry.id.shard, Stream.RESULTS, found, captured_ms=captured_ms)
                    for found in bound_and_settled(said)
                ]
            effects.append(Acknowledge(entry.id))
        return Step(effects)

    def release(self, shard: int) -> None:
        """No state to forget."""
