"""The sentiment stage: tone of voice when an utterance closes, polarity when its text is final."""

from collections.abc import Sequence
from typing import Protocol

from common.errors import InvalidMessage
from common.messages import SpeechChunk
from common.results import Sentiment, Status, Transcript
from common.settings import SentimentSettings
from common.stage import Acknowledge, Effect, Entry, EntryFailed, EntryId, Step, Stream
from workers.sentiment.shard import ShardSentiment

SWEEP_MS = 1000


class TextEngine(Protocol):
    """Tells how positive texts are."""

    def polarities(self, texts: Sequence[str]) -> list[float]:
        """-1 (negative) to 1 (positive), one per text, in order."""


class SentimentStage:
    """Reads speech for its tone, and results for final transcripts and for what it said before.

    All effects are unpositioned: what causes a result is acknowledged with it.
    """

    name = "sentiment"
    inputs = (Stream.SPEECH, Stream.RESULTS)

    def __init__(self, settings: SentimentSettings, engine: TextEngine) -> None:
        self._settings = settings
        self._engine = engine
        self._shards: dict[int, ShardSentiment] = {}
        self._next_sweep_ms = 0

    def process(self, entries: Sequence[Entry], now_ms: int) -> Step:
        """Take what arrived, then say what is due."""
        effects = [effect for entry in entries for effect in self._take(entry, now_ms)]
        polarities = self._polarities(now_ms)
        for shard in self._shards.values():
            effects += shard.due_tones(now_ms)
            effects += shard.texts(polarities, now_ms)
        if now_ms >= self._next_sweep_ms:
            self._next_sweep_ms = now_ms + SWEEP_MS
            effects += [effect for shard in self._shards.values() for effect in shard.sweep(now_ms)]
        return Step(effects)

    def release(self, shard: int) -> None:
        """Forget a shard."""
        self._shards.pop(shard, None)

    def _take(self, entry: Entry, now_ms: int) -> list[Effect]:
        shard = self._shards.get(entry.id.shard)
        if shard is None:
            shard = self._shards[entry.id.shard] = ShardSentiment(entry.id.shard, self._settings, now_ms)
        match entry.message:
            case SpeechChunk():
                try:
                    return shard.hear(entry.message, entry.id, now_ms)
                except InvalidMessage as error:
                    raise EntryFailed(entry.id, str(error)) from error
            case Transcript():
                return shard.read(entry.message, entry.id, now_ms)
            case Sentiment():
                return shard.remember(entry.message, entry.id, now_ms)
            case Status():
                return shard.note(entry.message, entry.id)
            case _:
                return [Acknowledge(entry.id)]

    def _polarities(self, now_ms: int) -> dict[EntryId, float]:
        """One batch for the engine, whichever shards the texts are from.

        Comes before anything is put out: should the engine fail, no shard has lost what was due.
        """
        due = [final for shard in self._shards.values() for final in shard.due_finals(now_ms)]
        values = self._engine.polarities([final.transcript.text for final in due]) if due else []
        return {final.entry: value for final, value in zip(due, values, strict=True)}
