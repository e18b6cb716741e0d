"""From effects to commits: the watermark filter, and what is stamped."""

from dataclasses import replace

from common.commit import Bury, OwnedShard, build_commits
from common.results import Activity, from_json
from common.stage import Acknowledge, Append, Effect, EntryId, Forget, Position, Stream, Tally
from common.streams.fenced import Delivery, RawEntry, Reached, ShardCommit
from common.streams.leases import Lease
from tests.kit import MEETING, TRACK

SPOKE = Activity(
    id="a",
    tenant=MEETING.tenant,
    meeting=MEETING.id,
    track=TRACK.id,
    speaker=TRACK.speaker,
    start_ms=0,
    end_ms=100,
    state="speaking",
    utterance="u",
)


def owned(**watermarks: int) -> dict[int, OwnedShard]:
    return {3: OwnedShard(Lease(3, 1), watermarks, {}, {})}


def commits(effects: list[Effect | Bury], shards: dict[int, OwnedShard]) -> list[ShardCommit]:
    return build_commits(effects, shards, stage="vad", now_ms=5_000)


def spoke(at: Position | None, shard: int = 3) -> Append:
    return Append(shard, Stream.RESULTS, SPOKE, at, captured_ms=4_900)


def test_effects_at_or_below_the_watermark_are_dropped_and_those_above_kept() -> None:
    shards = owned(t=100)
    (commit,) = commits([spoke(Position("t", p)) for p in (99, 100, 101, 102)], shards)
    assert len(commit.appends) == 2
    assert commit.watermarks == {"t": 102}
    assert shards[3].watermarks == {"t": 102}


def test_effects_of_one_step_may_share_a_position() -> None:
    tally = Tally(3, MEETING, "heard_samples", 7, Position("t", 5))
    (commit,) = commits([spoke(Position("t", 5)), tally, tally], owned())
    assert len(commit.appends) == 1
    assert list(commit.tallies.values()) == [14]


def test_what_is_unpositioned_or_acknowledged_is_never_dropped() -> None:
    entry = EntryId(3, Stream.AUDIO, "1-0")
    (commit,) = commits([spoke(None), Acknowledge(entry)], owned(t=10**9))
    assert len(commit.appends) == 1
    assert commit.acknowledged == {Stream.AUDIO: ["1-0"]}


def test_a_forgotten_key_starts_over() -> None:
    shards = owned(t=100)
    (commit,) = commits([spoke(Position("t", 101)), Forget(3, "t")], shards)
    assert commit.watermarks == {"t": None}
    assert shards[3].watermarks == {}


def test_effects_on_a_shard_that_was_lost_are_left_out() -> None:
    assert commits([spoke(None, shard=4)], owned()) == []


def test_each_commit_of_a_shard_has_the_next_number() -> None:
    shards = owned()
    numbers = [commits([spoke(None)], shards)[0].sequence for _ in range(3)]
    assert numbers == [1, 2, 3]


def test_a_result_is_stamped_with_its_latency_from_capture() -> None:
    (commit,) = commits([spoke(None)], owned())
    ((_, flat),) = commit.appends
    assert isinstance(flat[-1], bytes)
    assert from_json(flat[-1]) == replace(SPOKE, emitted_at_ms=5_000, latency_ms=100)


def test_a_buried_entry_keeps_its_fields_and_is_acknowledged() -> None:
    raw = RawEntry(EntryId(3, Stream.AUDIO, "1-0"), {b"m": b"junk"})
    (commit,) = commits([Bury(raw, "unreadable")], owned())
    ((key, flat),) = commit.appends
    assert key.endswith(":dead")
    assert flat[-2:] == [b"field:m", b"junk"]
    assert commit.acknowledged == {Stream.AUDIO: ["1-0"]}


def test_of_the_entries_read_only_those_not_done_with_are_held() -> None:
    shards = owned()
    shards[3].reached = {Stream.AUDIO: Reached("4-0", 4)}
    shards[3].fresh = {Stream.AUDIO: ["3-0", "4-0"]}
    done = [Acknowledge(EntryId(3, Stream.AUDIO, entry)) for entry in ("1-0", "3-0")]
    (commit,) = commits([*done], shards)
    assert commit.deliveries == [Delivery(Stream.AUDIO, Reached("4-0", 4), ["4-0"])]
    assert commit.acknowledged == {Stream.AUDIO: ["1-0"]}


def test_what_was_read_is_told_once_even_where_nothing_came_of_it() -> None:
    shards = owned()
    shards[3].reached = {Stream.AUDIO: Reached("1-0", 1)}
    shards[3].fresh = {Stream.AUDIO: ["1-0"]}
    (commit,) = commits([], shards)
    assert commit.deliveries == [Delivery(Stream.AUDIO, Reached("1-0", 1), ["1-0"])]
    assert commits([], shards) == []
