"""Texts that were deferred and come minutes late count at their place in time."""

from dataclasses import replace

from pipeline import ANNA, BEN, Shard, transcript

from common.results import Status, Transcript
from common.settings import SentimentSettings

MINUTE_MS = 60_000


def late(said: Transcript) -> Transcript:
    return replace(said, backfilled=True, emitted_at_ms=said.emitted_at_ms + 5 * MINUTE_MS)


def ended() -> Status:
    meeting = ANNA.meeting
    return Status(
        id="over", tenant=meeting.tenant, meeting=meeting.id, track="", speaker=ANNA.speaker, start_ms=0,
        end_ms=0, event="meeting_ended",
    )  # fmt: skip


def test_a_late_text_leaves_the_mood_of_now_as_it_is() -> None:
    shard = Shard()
    shard.put(transcript(ANNA, 5 * MINUTE_MS, 5 * MINUTE_MS + 4000, "good"))
    shard.run()
    shard.put(late(transcript(ANNA, 0, 9000, "bad")))
    shard.run()
    now, after = shard.sentiments("text")
    assert (after.start_ms, after.polarity) == (0, -0.8)
    assert after.mood.polarity > 0.95 * now.mood.polarity
    assert after.meeting_mood.polarity > 0.95 * now.meeting_mood.polarity


def test_however_many_come_they_do_not_drive_out_what_was_said_last() -> None:
    shard = Shard(SentimentSettings(remembered_utterances=4))
    recent = [5 * MINUTE_MS + 5000 * i for i in range(4)]
    shard.put(*(transcript(ANNA, at_ms, at_ms + 4000, "good") for at_ms in recent))
    shard.run()
    before = shard.sentiments("text")[-1]
    shard.put(*(late(transcript(ANNA, 5000 * i, 5000 * i + 4000, "bad")) for i in range(20)))
    shard.run()
    assert len(shard.sentiments("text")) == 24
    assert shard.sentiments("text")[-1].mood.polarity == before.mood.polarity
    assert len(shard.held()) == 4


def test_the_order_in_which_texts_come_does_not_matter_in_the_end() -> None:
    texts = [
        transcript((ANNA, BEN)[i % 2], 3000 * i, 3000 * i + 2000, ("good", "bad")[i % 3 == 0])
        for i in range(9)
    ]
    moods = []
    for order in (texts, [*texts[5:], *map(late, texts[:5])]):
        shard = Shard()
        shard.put(*order)
        shard.run()
        shard.put(transcript(ANNA, 40_000, 41_000, "neither"))
        shard.run()
        moods.append((shard.sentiments()[-1].mood, shard.sentiments()[-1].meeting_mood))
    assert moods[0] == moods[1]


def test_a_text_that_comes_after_the_meeting_still_knows_its_mood() -> None:
    shard = Shard()
    shard.put(
        transcript(ANNA, 0, 5000, "", status="deferred"),
        transcript(BEN, 5 * MINUTE_MS, 5 * MINUTE_MS + 9000, "good"),
        ended(),
    )
    shard.run()
    shard.now_ms += 10 * MINUTE_MS
    shard.run()
    shard.put(late(transcript(ANNA, 0, 5000, "bad")))
    shard.run()
    result = shard.sentiments("text")[-1]
    assert result.polarity == -0.8
    assert result.meeting_mood.polarity > 0


def test_once_nothing_is_deferred_any_more_an_ended_meeting_is_forgotten() -> None:
    shard = Shard()
    shard.put(transcript(ANNA, 0, 5000, "", status="deferred"), ended())
    shard.run()
    shard.put(late(transcript(ANNA, 0, 5000, "bad")))
    shard.run()
    shard.now_ms += 2 * MINUTE_MS
    shard.run()
    assert shard.held() == []


def test_texts_on_their_way_back_hold_nothing_up() -> None:
    """A result that was superseded while it was under way is no former owner's."""
    shard = Shard(SentimentSettings(remembered_utterances=2))
    shard.put(transcript(BEN, 9000, 9500, "good"))
    shard.run()
    shard.put(*(transcript(ANNA, 5000 * i, 5000 * i + 4000, "good") for i in range(6)))
    shard.turn()
    shard.turn()
    shard.put(transcript(BEN, 0, 4000, "bad"))
    shard.turn()
    assert shard.sentiments("text")[-1].track == BEN.id
