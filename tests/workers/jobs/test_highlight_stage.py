from dataclasses import replace

import pytest
from overheard import Shard, ends, feels, highlights, says, sounds, speaks

from common.identity import Meeting

OWNS = "Who owns the rollback plan?"


def test_a_question_nobody_answers_is_left_open() -> None:
    assert highlights(
        says("Bob", -5, "Hello."), says("Ann", 0, OWNS), says("Ann", 4, "Let us look at the numbers then."),
        says("Bob", 30, "These are fine."),
    ) == [("question", OWNS)]  # fmt: skip


def test_an_answer_in_time_closes_it() -> None:
    assert highlights(says("Ann", 0, OWNS), says("Bob", 3, "Tom does."), says("Ann", 30, "Next one.")) == []


@pytest.mark.parametrize("reply", ["No idea.", "Good question.", "Do you mean this year?"])
def test_no_answer_leaves_it_open(reply: str) -> None:
    found = highlights(says("Ann", 0, OWNS), says("Bob", 3, reply), says("Ann", 30, "Next one, then."))
    assert ("question", OWNS) in found


def test_somebody_still_speaking_may_be_answering() -> None:
    shard = Shard()
    shard.put(says("Ann", 0, OWNS), speaks("Bob", 3), says("Cem", 30, "Fine."))
    assert shard.run() == []
    shard.put(says("Bob", 3, "It took me a while to find out, but Tom does."), says("Cem", 40, "Fine."))
    assert shard.run() == []


def test_what_turns_out_to_be_no_answer_leaves_it_open() -> None:
    shard = Shard()
    shard.put(
        says("Ann", 0, OWNS), speaks("Bob", 3), says("Cem", 30, "Fine."), says("Bob", 3, "I don't know.")
    )
    assert [one.text for one in shard.run()] == [OWNS]


def test_a_text_put_off_may_be_the_answer() -> None:
    deferred = says("Bob", 3, "", status="deferred")
    assert highlights(says("Ann", 0, OWNS), speaks("Bob", 3), deferred, says("Ann", 30, "Next.")) == []


def test_on_one_mixed_track_whatever_is_said_next_answers() -> None:
    assert (
        highlights(says("Room", 0, OWNS), says("Room", 3, "Tom does."), says("Room", 30, "Next one.")) == []
    )


def test_the_end_of_a_meeting_leaves_its_last_question_open() -> None:
    assert highlights(says("Bob", 0, "Hello."), says("Ann", 3, OWNS), ends(8)) == [("question", OWNS)]


@pytest.mark.parametrize(
    "text",
    [
        "Can everybody see my screen?",
        "Any other questions about that?",
        "Why did we do it? Because it had to be done somehow.",
        "It works, right?",
        "Anna, can you send me the report?",
    ],
)
def test_courtesies_and_requests_are_no_open_questions(text: str) -> None:
    found = highlights(says("Bob", 0, "Hello."), says("Ann", 3, text), ends(30))
    assert "question" not in [kind for kind, _ in found]


def test_very_good_or_bad_words_are_a_strong_moment_once() -> None:
    said = says("Ann", 0, "I am so proud of this wonderful team.")
    loud = sounds(said, arousal=0.9, energy_z=2.5)
    assert highlights(said, feels(said, 0.9), loud) == [("strong_moment", said.text)]
    assert highlights(loud, said, feels(said, 0.9)) == [("strong_moment", said.text)]
    assert highlights(said, feels(said, -0.85)) == [("strong_moment", said.text)]


def test_a_loud_and_excited_voice_is_a_strong_moment() -> None:
    said = says("Ann", 0, "That is what I have been saying.")
    assert highlights(sounds(said, arousal=0.9, energy_z=2.5), said) == [("strong_moment", said.text)]
    assert highlights(sounds(said, arousal=0.9, energy_z=0.2), said) == []
    assert highlights(sounds(said, arousal=0.5, energy_z=2.5), said, feels(said, 0.4)) == []


def test_backfilled_texts_count() -> None:
    late = replace(says("Ann", 5, "We decided to ship on Monday."), backfilled=True)
    assert highlights(says("Bob", 500, "Well."), ends(600), late) == [("decision", late.text)]


def test_meetings_do_not_answer_each_other() -> None:
    other = Meeting("default", "other")
    found = highlights(
        says("Ann", 0, OWNS), says("Bob", 3, "Tom does.", meeting=other), says("Ann", 30, "Next."),
        says("Bob", 31, "Hm."),
    )  # fmt: skip
    assert found == [("question", OWNS)]


def conversation() -> Shard:
    """Three minutes with something of everything."""
    praise, shout = (
        says("Bob", 20, "This is the best week we ever had."),
        says("Cem", 25, "It went wrong again today."),
    )
    shard = Shard()
    shard.put(
        speaks("Ann", 0), says("Ann", 0, "I'll send the deck by Friday. We decided to ship on Monday."),
        says("Ann", 10, OWNS), speaks("Bob", 20), feels(praise, 0.9), praise,
        sounds(shout, arousal=0.9, energy_z=3),
        speaks("Cem", 25), shout, feels(shout, -0.9), speaks("Ann", 40),
        says("Ann", 40, "How long will that take?"),
        speaks("Bob", 43), says("Bob", 43, "About two weeks."), says("Cem", 70, "When is the next audit?"),
        says("Ann", 90, "Tom, please book the room."), speaks("Bob", 150),
        says("Bob", 150, "Agreed, we ship it."),
        says("Ann", 170, "What does the client say to that?"), ends(180),
    )  # fmt: skip
    return shard


def test_what_a_conversation_comes_to() -> None:
    assert [(one.kind, one.start_ms // 1000) for one in conversation().run()] == [
        ("action_item", 0),
        ("decision", 0),
        ("strong_moment", 20),
        ("strong_moment", 25),
        ("action_item", 90),
        ("question", 70),
        ("decision", 150),
        ("question", 170),
    ]


@pytest.mark.parametrize("page", [1, 3, 1000])
def test_a_crash_anywhere_changes_nothing(page: int) -> None:
    expected = conversation().run()
    for turn in range(20):
        for crash in ("before", "after"):
            shard = conversation()
            shard.page = page
            assert shard.run({turn: crash, turn + 3: "after"}) == expected, (turn, crash)


def test_nothing_is_held_for_long() -> None:
    shard = conversation()
    shard.run()
    assert shard.pending
    shard.tick(200)
    assert shard.pending == []
    assert [one.kind for one in shard.run()].count("question") == 2
