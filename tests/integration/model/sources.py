"""Ingest processes that send, send again, and end a meeting in any order, compared with the model."""

import asyncio
from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from pydantic import SecretStr

from common.errors import Backlogged, InvalidInput
from common.identity import Meeting, Speaker, Track
from common.messages import AudioChunk, TrackPause, unpack
from common.results import Result, Status, from_json
from common.settings import RedisSettings
from common.stage import Stream
from common.streams import keys
from common.streams.audio_log import AudioLog, Mark, MeetingRecord
from common.streams.client import connect
from ingest.orphans import last_words
from tests.integration.model.meeting import MeetingModel
from tests.kit import SHARDS

MEETING = Meeting("default", "weekly")
SHARD = MEETING.shard(SHARDS)
AUDIO, RESULTS = keys.stream(SHARD, Stream.AUDIO), keys.stream(SHARD, Stream.RESULTS)
NAME = f"{MEETING.tenant}/{MEETING.id}"
LIMIT = 6
LONG_AGO_MS = 5_000

tracks = st.sampled_from([Track(MEETING, name, Speaker(name, name.title())) for name in ("ann", "bo")])
positions = st.integers(0, 4).map(lambda n: n * 100)
chunks = st.builds(
    AudioChunk,
    tracks,
    positions,
    st.just(1_000),
    st.sampled_from([b"", bytes(200), bytes(400)]),
    st.sampled_from(["", "", "pause", "end"]),
).filter(lambda chunk: chunk.pcm or chunk.pause)
marks = st.builds(Mark, tracks, st.sampled_from(["ann", "bo"]), st.integers(0, 4), positions, st.booleans())
calls = st.lists(chunks | chunks | marks, min_size=1, max_size=5)


class Sources(RuleBasedStateMachine):
    """What `log` does, `model` must foretell."""

    sent = Bundle("sent")

    def __init__(self, url: str) -> None:
        super().__init__()
        self.model = MeetingModel()
        self.runner = asyncio.Runner()
        self.redis = connect(RedisSettings(url=SecretStr(url)))
        self.log = AudioLog(self.redis, SHARDS, LIMIT)
        self.runner.run(self.redis.flushall())

    def teardown(self) -> None:
        self.runner.run(self.redis.aclose())
        self.runner.close()

    @initialize(early=st.booleans())
    def start(self, early: bool) -> None:
        if early:
            self.begin()

    @rule()
    def begin(self) -> None:
        self.runner.run(self.log.start_meeting(MEETING, 1_000))
        self.model.begin()

    @rule()
    def end(self) -> None:
        self.runner.run(self.log.end_meeting(MEETING, 9_000))
        self.model.end()

    @rule(target=sent, call=calls)
    def send(self, call: list[AudioChunk | Mark]) -> list[AudioChunk | Mark]:
        assert self._append(call) == self.model.append(call, LIMIT)
        return call

    @rule(call=sent)
    def send_again(self, call: list[AudioChunk | Mark]) -> None:
        """After a lost reply, before anything else or long after."""
        self.send(call)

    @rule(track=tracks, pause=st.sampled_from(["pause", "end"]), seq=st.integers(1, 4))
    def go_on_and_stop(self, track: Track, pause: TrackPause, seq: int) -> None:
        """What a source that speaks and falls silent sends; again at once, it changes nothing."""
        start = self.model.ends.get(track.id, 0)
        spoken = AudioChunk(track, start, 1_000, bytes(200))
        call = [spoken, AudioChunk(track, spoken.end, 1_000, b"", pause), Mark(track, "ann", seq, spoken.end)]
        self.send(call)
        before = self.runner.run(self._seen())
        self.send(call)
        assert self.runner.run(self._seen())[:3] == before[:3] or len(self.model.audio) >= LIMIT

    @rule()
    def work_off(self) -> None:
        self.runner.run(self.redis.xtrim(AUDIO, 0))
        self.model.audio.clear()

    @rule()
    def fall_silent(self) -> None:
        self.runner.run(self.redis.zadd(keys.meetings(SHARD), {NAME: LONG_AGO_MS}))
        self.model.heard = "long ago"

    @rule()
    def say_that_it_lives(self) -> None:
        self.runner.run(self.log.keep_alive([MEETING]))
        self.model.heard = "lately"

    @rule()
    def abandon(self) -> None:
        record = self.runner.run(self.log.record(MEETING))
        if record is not None:
            over = [] if record.ended else last_words(record, LONG_AGO_MS)
            ended = self.runner.run(self.log.abandon(record, LONG_AGO_MS, over))
            assert ended == self.model.abandon()
            if ended:
                self._note_last_words(over)

    @rule(track=tracks)
    def speak_and_vanish(self, track: Track) -> None:
        self.send([AudioChunk(track, self.model.ends.get(track.id, 0), 1_000, bytes(200))])
        self.fall_silent()
        self.abandon()

    def _note_last_words(self, words: Sequence[AudioChunk | Result]) -> None:
        said = [word for word in words if isinstance(word, AudioChunk)]
        self.model.audio += said
        self.model.announced[-1:] = [*(["speaker_left"] * len(said)), "meeting_ended"]

    @rule()
    def look_for_the_silent(self) -> None:
        silent = self.model.heard == "long ago" and self.model.started and not self.model.ended
        for after_ms, some in (({}, silent), ({SHARD: LONG_AGO_MS}, False)):
            found = self.runner.run(self.log.unheard(3_600_000, after_ms))
            assert any(silence.records for silence in found) == some

    @invariant()
    def the_meeting_is_as_foretold(self) -> None:
        record, audio, announced, heard_ms = self.runner.run(self._seen())
        model = self.model
        heard = {None: "never", LONG_AGO_MS: "long ago"}.get(heard_ms, "lately")
        assert (audio, announced, heard) == (model.audio, model.announced, model.heard)
        if record is not None:
            seen = (record.ends, record.open, record.sequences, record.nexts, record.ended)
            assert seen == (model.ends, model.open, model.sequences, model.nexts, model.ended)
            assert record.counters.get("captured_samples", 0) == model.captured
        assert (record is not None) == model.started

    async def _seen(self) -> tuple[MeetingRecord | None, list[AudioChunk], list[str], float | None]:
        audio = [unpack(fields[b"m"]) for _, fields in await self.redis.xrange(AUDIO)]
        results = [from_json(fields[b"data"]) for _, fields in await self.redis.xrange(RESULTS)]
        events = [result.event for result in results if isinstance(result, Status)]
        heard_ms = await self.redis.zscore(keys.meetings(SHARD), NAME)
        chunks = [chunk for chunk in audio if isinstance(chunk, AudioChunk)]
        return await self.log.record(MEETING), chunks, events, heard_ms

    def _append(self, items: Sequence[AudioChunk | Mark]) -> str:
        try:
            self.runner.run(self.log.append(items))
        except Backlogged:
            return "FULL"
        except InvalidInput:
            return "ENDED"
        return "OK"
