"""The stage under the real loop, on a real server, while its process dies again and again."""

from collections.abc import Sequence

import pytest
from pipeline import MEETING, Lexicon, Shard, conversation

from common.messages import Message
from common.results import Result, Sentiment, from_json
from common.settings import SentimentSettings
from common.stage import Stream
from common.streams import keys
from common.streams.client import Client
from common.streams.codec import encode
from common.streams.deployment import join_deployment
from tests.kit import SHARDS, eventually, working
from workers.sentiment.stage import SentimentStage

pytestmark = pytest.mark.integration
SHARD = MEETING.shard(SHARDS)
RESULTS = keys.stream(SHARD, Stream.RESULTS)
REMEMBERED = 3


async def put(redis: Client, stream: Stream, messages: Sequence[Message | Result]) -> None:
    for message in messages:
        flat = encode(message)
        await redis.xadd(keys.stream(SHARD, stream), dict(zip(flat[::2], flat[1::2], strict=True)))


async def said(redis: Client) -> list[Sentiment]:
    return [
        result
        for _, fields in await redis.xrange(RESULTS)
        if isinstance(result := from_json(fields[b"data"]), Sentiment)
    ]


async def test_processes_that_die_leave_the_judgement_of_one_that_lived(redis: Client) -> None:
    await join_deployment(redis, SHARDS)
    settings = SentimentSettings(remembered_utterances=REMEMBERED)
    chunks, finals = conversation(utterances=8)
    undisturbed = Shard(settings)
    undisturbed.put(*chunks)
    undisturbed.run()
    for member, (first, last) in enumerate([(0, 10), (10, 21), (21, len(chunks))]):
        closed = {chunk.utterance for chunk in chunks[:last] if chunk.closed}
        async with working(redis, SentimentStage(settings, Lexicon()), f"member {member}") as worker:
            await put(redis, Stream.SPEECH, chunks[first:last])
            await eventually(f"{len(closed)} tones", lambda known=closed: _tones_of(redis, known))
            await worker.crash()
    async with working(redis, SentimentStage(settings, Lexicon()), "the last"):
        await put(redis, Stream.RESULTS, finals)
        await eventually("one text each", lambda: _texts(redis, len(finals)))
        held = 2 * 2 * REMEMBERED
        await eventually(f"no speech and {held} results held", lambda: _pending(redis, (0, held)))
    tones = [(result.utterance, result.tone) for result in await said(redis) if result.source == "tone"]
    assert tones == [(result.utterance, result.tone) for result in undisturbed.sentiments("tone")]


async def _tones_of(redis: Client, utterances: set[str]) -> object:
    seen = [result.utterance for result in await said(redis)]
    return sorted(seen) == sorted(utterances) or seen


async def _texts(redis: Client, count: int) -> object:
    seen = [result.utterance for result in await said(redis) if result.source == "text"]
    return len(seen) == len(set(seen)) == count or seen


async def _pending(redis: Client, expected: tuple[int, int]) -> object:
    spoken, written = [
        (await redis.xpending(keys.stream(SHARD, stream), "sentiment"))["pending"]
        for stream in (Stream.SPEECH, Stream.RESULTS)
    ]
    return (spoken, written) == expected or (spoken, written)
