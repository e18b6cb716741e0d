import pytest

from common.identity import Speaker
from common.results import Transcript, Word
from workers.jobs.highlights.actions import Action, action_item
from workers.jobs.highlights.decisions import is_decision
from workers.jobs.highlights.due import due_words
from workers.jobs.highlights.finding import bound_and_settled
from workers.jobs.highlights.questions import is_answer
from workers.jobs.highlights.sentences import sentences


@pytest.mark.parametrize(
    ("text", "owner", "due"),
    [
        ("I'll send the deck by Friday.", "Zoë", "by Friday"),
        ("Anna, can you look into the failing test?", "Anna", ""),
        ("Could you send me the numbers by end of day, Anna?", "Anna", "by end of day"),
        ("Let's have Tom check the logs.", "Tom", ""),
        ("Great, that's an action item for Mei, by Thursday please.", "Mei", "by Thursday"),
        ("Tom Becker will write the tests tomorrow morning.", "Tom Becker", "tomorrow morning"),
        ("We need to finalize the budget by the end of the month.", "", "by the end of the month"),
        ("Please send the invoice to the client.", "", ""),
        ("I'll get back to you within two days.", "Zoë", "within two days"),
    ],
)
def test_an_action_item_has_its_owner_and_due_words(text: str, owner: str, due: str) -> None:
    assert action_item(text, speaker="Zoë") == Action(owner, due)


@pytest.mark.parametrize(
    "text",
    [
        "I'll be back in a minute.",
        "I'll share my screen.",
        "If you send it by Friday, I can review it.",
        "He said he would send it by Friday.",
        "The build will fail if we change that.",
        "We should have tested this before the launch.",
        "The team already sent the report on Monday.",
        "Can you hear me?",
        "I can see that it works very well.",
        "We need to be realistic here.",
        "I will not call them.",
    ],
)
def test_what_binds_nobody_is_no_action_item(text: str) -> None:
    assert action_item(text, speaker="Zoë") is None


@pytest.mark.parametrize(
    "text",
    [
        "We decided to ship on Monday.",
        "Let's go with the second option.",
        "Agreed, we'll use the blue design.",
        "So the final decision is to hire two more engineers.",
        "The budget has been approved.",
    ],
)
def test_a_decision(text: str) -> None:
    assert is_decision(text)


@pytest.mark.parametrize(
    "text",
    [
        "We haven't decided on the date.",
        "We still need to decide whether to go with Postgres.",
        "Let's go with the next question.",
        "Did we decide to ship on Monday? ",
        "Have we decided on that?",
        "Once we have decided, I'll tell the board.",
        "They decided to close the shop in May.",
        "I agree with you.",
        "Agreed.",
    ],
)
def test_what_settles_nothing_is_no_decision(text: str) -> None:
    assert not is_decision(text.strip())


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("It has to be there by the 15th of March at 5 pm.", "by the 15th of March at 5 pm"),
        ("Do it first thing tomorrow.", "first thing tomorrow"),
        ("It must be out before the release.", "before the release"),
        ("We meet by the river.", ""),
        ("Read it before you send it.", ""),
    ],
)
def test_due_words(text: str, due: str) -> None:
    assert due_words(text) == due


@pytest.mark.parametrize("text", ["No idea.", "I don't know.", "Good question.", "Um.", "Which one?", ""])
def test_what_does_not_answer(text: str) -> None:
    assert not is_answer(text)


@pytest.mark.parametrize(
    "text", ["Yes.", "Tom does.", "About two weeks.", "Yes, don't you remember?", "Forty"]
)
def test_what_may_answer(text: str) -> None:
    assert is_answer(text)


def final(text: str, words: tuple[Word, ...] = ()) -> Transcript:
    return Transcript(
        id="u/transcript/final", tenant="default", meeting="m", track="t", speaker=Speaker("z", "Zoë"),
        start_ms=1000, end_ms=9000, utterance="u", status="final", text=text, stable=text, words=words,
    )  # fmt: skip


def test_a_sentence_is_found_at_the_time_it_is_said() -> None:
    text = "Dr. Bell was here. I\u2019ll send the deck. Nice."
    spoken = tuple(Word(w, 1000 + 100 * i, 1080 + 100 * i, 1.0) for i, w in enumerate(text.split()))
    assert [(s.text, s.start_ms, s.end_ms) for s in sentences(final(text, spoken))] == [
        ("Dr. Bell was here.", 1000, 1380),
        ("I'll send the deck.", 1400, 1780),
        ("Nice.", 1800, 1880),
    ]
    [found] = bound_and_settled(final(text, spoken))
    assert (found.kind, found.start_ms, found.end_ms, found.owner) == ("action_item", 1400, 1780, "Zoë")


def test_without_word_times_it_is_found_at_the_utterance() -> None:
    [found] = bound_and_settled(final("I'll send the deck."))
    assert (found.start_ms, found.end_ms) == (1000, 9000)


def test_two_of_a_kind_have_ids_of_their_own() -> None:
    found = list(bound_and_settled(final("I'll send the deck. We decided to ship it. I'll call the bank.")))
    assert [(one.id, one.kind) for one in found] == [
        ("u/highlight/action_item", "action_item"),
        ("u/highlight/decision", "decision"),
        ("u/highlight/action_item/2", "action_item"),
    ]
