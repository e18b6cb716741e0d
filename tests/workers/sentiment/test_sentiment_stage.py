from collections.abc import Sequence
from dataclasses import replace

import pytest
from pipeline import ANNA, BEN, MEETING, STARTED_MS, Lexicon, Shard, conversation, spoken, transcript
from voices import silence, voice

from common.errors import EngineError
from common.identity import Track
from common.results import Activity, Sentiment, Status, from_json, to_json
from common.settings import SentimentSettings
from common.stage import Append, EntryFailed, Stream
from workers.sentiment.stage import SentimentStage


def status(event: str, *, track: str = "") -> Status:
    return Status(
        id=f"status/{event}/{track}",
        tenant=MEETING.tenant,
        meeting=MEETING.id,
        track=track,
        speaker=ANNA.speaker,
        start_ms=0,
        end_ms=0,
        event=event,
    )


def test_an_utterance_has_its_tone_when_it_closes() -> None:
    shard = Shard()
    chunks = spoken(ANNA, 2000, voice(1.0, pitch_hz=210, level_db=-22))
    shard.put(*chunks[:-1])
    shard.run()
    assert shard.sentiments() == []
    shard.put(chunks[-1])
    shard.run()
    (result,) = shard.sentiments()
    assert (result.source, result.utterance) == ("tone", chunks[0].utterance)
    assert (result.start_ms, result.end_ms, result.speaker) == (2000, 3000, ANNA.speaker)
    assert result.tone is not None
    assert result.tone.pitch_hz == pytest.approx(210, rel=0.01)
    assert result.tone.energy_db == pytest.approx(-22, abs=0.5)


def test_the_latency_of_a_tone_counts_from_the_end_of_speech_not_of_silence() -> None:
    shard = Shard()
    shard.put(*spoken(ANNA, 0, voice(1.0)))
    shard.run()
    assert [append.captured_ms for append in shard.appended] == [STARTED_MS + 1000]


def test_a_final_transcript_has_its_polarity() -> None:
    shard = Shard()
    shard.put(transcript(ANNA, 0, 1500, "so bad"))
    shard.run()
    (result,) = shard.sentiments()
    assert (result.source, result.polarity, result.tone) == ("text", -0.8, None)
    assert result.mood.polarity < 0
    assert [append.captured_ms for append in shard.appended] == [STARTED_MS + 1500]


@pytest.mark.parametrize("state", ["partial", "deferred", "lost"])
def test_only_final_transcripts_speak(state: str) -> None:
    shard = Shard()
    shard.put(transcript(ANNA, 0, 1500, "so bad", status=state), transcript(ANNA, 2000, 3000, " "))
    shard.run()
    assert shard.sentiments() == []
    assert shard.held() == []


def test_results_of_other_kinds_are_let_through() -> None:
    shard = Shard()
    activity = Activity(
        id="a", tenant="default", meeting="m", track="t", speaker=ANNA.speaker,
        start_ms=0, end_ms=0, state="speaking", utterance="u",
    )  # fmt: skip
    shard.put(activity)
    shard.run()
    assert shard.held() == []


def test_the_meetings_mood_is_everyones() -> None:
    shard = Shard()
    shard.put(transcript(ANNA, 0, 4000, "good"), transcript(BEN, 4000, 8000, "bad"))
    shard.run()
    anna, ben = shard.sentiments("text")
    assert anna.mood == anna.meeting_mood
    assert ben.mood.polarity < ben.meeting_mood.polarity < anna.mood.polarity


def test_a_late_text_leaves_the_mood_that_an_early_one_would() -> None:
    texts = [transcript(ANNA, 0, 4000, "good"), transcript(BEN, 60_000, 64_000, "bad")]
    moods = []
    for order in (texts, texts[::-1]):
        shard = Shard()
        shard.put(*order)
        shard.run()
        moods.append(shard.sentiments()[-1].meeting_mood)
    assert moods[0] == moods[1]


def test_meetings_and_shards_have_moods_of_their_own() -> None:
    stranger = Track(replace(MEETING, id="other"), ANNA.id, ANNA.speaker)
    shard = Shard()
    shard.put(transcript(ANNA, 0, 4000, "bad"), transcript(stranger, 0, 4000, "good"))
    shard.run()
    assert shard.sentiments()[1].meeting_mood.polarity > 0.4


def test_a_raised_voice_is_heard_against_the_speakers_own() -> None:
    shard = Shard()
    for i in range(6):
        shard.put(*spoken(ANNA, 2000 * i, voice(1.0, pitch_hz=118 + i, level_db=-35)))
        shard.put(*spoken(BEN, 2000 * i, voice(1.0, pitch_hz=190 + i, level_db=-20)))
    shard.put(*spoken(ANNA, 20_000, voice(1.0, pitch_hz=180, level_db=-22)))
    shard.run()
    *usual, raised = shard.sentiments("tone")
    assert raised.arousal > 0.8 > max(result.arousal for result in usual)
    assert raised.meeting_mood.arousal > 0.5


def test_what_is_too_short_to_judge_is_let_go() -> None:
    shard = Shard()
    shard.put(*spoken(ANNA, 0, voice(0.05)), *spoken(ANNA, 3000, silence(0.5)))
    shard.run()
    assert shard.sentiments() == []
    assert shard.held() == []


def test_a_chunk_whose_beginning_was_never_seen_is_let_go() -> None:
    shard = Shard()
    shard.put(*spoken(ANNA, 0, voice(1.0))[3:])
    shard.run()
    assert shard.sentiments() == []
    assert shard.held() == []


def test_a_piece_of_another_utterance_does_not_get_into_the_open_one() -> None:
    shard = Shard()
    stray = spoken(ANNA, 0, voice(1.0, pitch_hz=300))[4:8]
    first, *rest = spoken(ANNA, 2000, voice(1.0, pitch_hz=100))
    shard.put(first, *stray, *rest)
    shard.run()
    (result,) = shard.sentiments()
    assert result.tone is not None
    assert result.tone.pitch_range_hz < 5


def test_an_utterance_whose_end_never_comes_is_finished_by_time() -> None:
    shard = Shard(SentimentSettings(patience_s=5))
    shard.put(*spoken(ANNA, 0, voice(1.0))[:-1])
    shard.run()
    shard.turn(after_ms=3000)
    assert shard.sentiments() == []
    shard.turn(after_ms=3000)
    assert len(shard.sentiments()) == 1
    assert shard.pending[Stream.SPEECH] == {}


def test_an_utterance_is_finished_by_the_next_of_its_track() -> None:
    shard = Shard()
    shard.put(*spoken(ANNA, 0, voice(1.0))[:-1], *spoken(ANNA, 2000, voice(1.0)))
    shard.run()
    assert [result.start_ms for result in shard.sentiments()] == [0, 2000]
    assert shard.pending[Stream.SPEECH] == {}


def test_only_the_latest_results_of_a_track_are_held() -> None:
    shard = Shard(SentimentSettings(remembered_utterances=3), page=2)
    chunks, finals = conversation(utterances=20)
    shard.put(*chunks, *finals)
    shard.run()
    held = [shard.pending[Stream.RESULTS][entry].message for entry in shard.pending[Stream.RESULTS]]
    assert shard.pending[Stream.SPEECH] == {}
    assert all(isinstance(message, Sentiment) for message in held)
    for track in (ANNA, BEN):
        for source in ("tone", "text"):
            said = [r.id for r in shard.sentiments(source) if r.track == track.id]
            assert [r.id for r in held if r.track == track.id and r.source == source] == said[-3:]


@pytest.mark.parametrize(
    ("left", "gone_after_s"),
    [
        ([], 601),
        ([status("meeting_ended")], 61),
        ([status("speaker_left", track="anna")], 61),
        ([status("speaker_left", track="ben")], 601),
        ([status("level_changed", track="anna")], 601),
    ],
)
def test_a_track_is_forgotten_when_it_is_over_or_idle(left: list[Status], gone_after_s: int) -> None:
    shard = Shard(SentimentSettings(idle_s=600))
    shard.put(*spoken(ANNA, 0, voice(1.0)), *left)
    shard.run(turns=100)
    shard.turn(after_ms=(gone_after_s - 4) * 1000)
    assert len(shard.held()) == 1
    shard.turn(after_ms=5000)
    assert shard.held() == []


def test_the_end_of_a_track_shows_in_its_last_utterance() -> None:
    shard = Shard()
    shard.put(*spoken(ANNA, 0, voice(1.0), closed="end"))
    shard.run()
    shard.turn(after_ms=61_000)
    assert shard.held() == []


def test_a_text_after_the_end_still_knows_the_mood() -> None:
    shard = Shard()
    shard.put(transcript(ANNA, 0, 4000, "good"), status("meeting_ended"))
    shard.run()
    shard.turn(after_ms=20_000)
    shard.put(transcript(ANNA, 4000, 5000, "neither"))
    shard.run()
    assert shard.sentiments()[-1].mood.polarity > 0.3


def test_half_a_sample_is_laid_to_its_entry() -> None:
    shard = Shard()
    first, *_ = spoken(ANNA, 0, voice(1.0))
    shard.put(replace(first, pcm=first.pcm[:-1]), *spoken(BEN, 0, voice(1.0)))
    with pytest.raises(EntryFailed, match="3199 bytes") as caught:
        shard.turn()
    assert caught.value.entry == shard.streams[Stream.SPEECH][0].id


def test_a_failing_engine_costs_other_shards_nothing() -> None:
    class Picky(Lexicon):
        def polarities(self, texts: Sequence[str]) -> list[float]:
            if "bad" in texts:
                raise EngineError("no such word")
            return super().polarities(texts)

    stage = SentimentStage(SentimentSettings(), Picky())
    here, there = Shard(number=0), Shard(number=1)
    here.put(*spoken(ANNA, 0, voice(1.0)), transcript(ANNA, 0, 1000, "good"))
    there.put(transcript(ANNA, 0, 1000, "bad"))
    entries = [entry for shard in (here, there) for read in shard.streams.values() for entry in read]
    assert not any(isinstance(effect, Append) for effect in stage.process(entries, STARTED_MS).effects)
    with pytest.raises(EngineError):
        stage.process([], STARTED_MS + 1500)
    stage.release(1)
    appended = [
        effect for effect in stage.process([], STARTED_MS + 1600).effects if isinstance(effect, Append)
    ]
    assert [append.message.source for append in appended] == ["tone", "text"]


def test_results_are_what_readers_are_promised() -> None:
    shard = Shard()
    shard.put(*spoken(ANNA, 0, voice(1.0)), transcript(ANNA, 0, 1000, "good"))
    shard.run()
    assert len(shard.sentiments()) == 2
    for result in shard.sentiments():
        assert from_json(to_json(result)) == result
