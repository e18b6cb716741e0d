"""A crash is an input: whenever it comes, the same results come out, each once."""

from dataclasses import replace

import pytest
from pipeline import ANNA, Shard, conversation, spoken, transcript
from voices import voice

from common.results import Mood, Sentiment
from common.settings import SentimentSettings

SETTINGS = SentimentSettings(remembered_utterances=3)
NOWHERE = Mood(0, 0)


def play(page: int, crashes: dict[int, str]) -> Shard:
    """A conversation that grows while it is read; crashes are named by their turn."""
    shard = Shard(SETTINGS, page=page)
    chunks, finals = conversation(utterances=12)
    ready = [(chunk.captured_ms, chunk) for chunk in chunks] + [(f.emitted_at_ms, f) for f in finals]
    ready.sort(key=lambda pair: pair[0])
    turn = 0
    while ready or shard.unread():
        while ready and ready[0][0] <= shard.now_ms:
            shard.put(ready.pop(0)[1])
        shard.turn(after_ms=200, crash=crashes.get(turn, ""))
        turn += 1
    shard.run()
    return shard


def said(shard: Shard) -> list[Sentiment]:
    """All results but for moods, which show what was known just then."""
    plain = [replace(result, mood=NOWHERE, meeting_mood=NOWHERE) for result in shard.sentiments()]
    return sorted(plain, key=lambda result: result.id)


def final_moods(shard: Shard) -> tuple[Mood, Mood]:
    """What one more word would be answered with."""
    shard.put(transcript(ANNA, 60_000, 61_000, "neither"))
    shard.run()
    last = shard.sentiments()[-1]
    return last.mood, last.meeting_mood


@pytest.mark.parametrize("page", [1, 1000])
def test_a_crash_at_any_turn_changes_nothing(page: int) -> None:
    undisturbed = play(page, {})
    expected, moods = said(undisturbed), final_moods(undisturbed)
    assert len(expected) == 24
    for turn in range(0, 72, 3):
        for crash in ("before", "after"):
            shard = play(page, {turn: crash})
            assert said(shard) == expected, (turn, crash)
            assert final_moods(shard) == moods, (turn, crash)


def test_crash_upon_crash_changes_nothing() -> None:
    expected = said(play(5, {}))
    crashes = {turn: ("before", "after")[turn // 7 % 2] for turn in range(0, 200, 7)}
    assert said(play(5, crashes)) == expected


def test_a_new_owner_knows_the_voice() -> None:
    shard = Shard(SETTINGS)
    for i in range(3):
        shard.put(*spoken(ANNA, 2000 * i, voice(1.0, level_db=-40)))
    shard.run()
    shard.turn(crash="after")
    shard.put(*spoken(ANNA, 9000, voice(1.0, level_db=-28)))
    shard.run()
    raised = shard.sentiments()[-1]
    assert raised.tone is not None
    assert raised.tone.energy_z > 1.5


def test_a_take_over_does_not_make_a_track_younger() -> None:
    shard = Shard(SentimentSettings(idle_s=600))
    shard.put(*spoken(ANNA, 0, voice(1.0)))
    shard.run()
    shard.turn(after_ms=400_000, crash="after")
    shard.run()
    assert len(shard.held()) == 1
    shard.turn(after_ms=220_000)
    assert shard.held() == []
