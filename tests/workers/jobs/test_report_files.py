import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import orjson
import pytest
from overheard import STARTED_MS, feels, says, sounds

from common.identity import Meeting, Speaker
from common.meeting_report import Report
from common.results import Highlight, Result
from common.streams.audio_log import MeetingRecord
from workers.jobs.report.gathering import Gathering, heatmap_of
from workers.jobs.report.markdown import to_markdown
from workers.jobs.report.pdf import to_pdf
from workers.jobs.report.picture import svg
from workers.jobs.report.summary import central_sentences
from workers.jobs.report.web import to_html

HOSTILE = "<img src=x onerror=alert(1)>"
RECORD = MeetingRecord(
    Meeting("default", "weekly"), STARTED_MS, STARTED_MS + 60_000, ends={"ann": 60_000 * 16}, counters={}
)


def report(*results: Result, record: MeetingRecord = RECORD) -> Report:
    gathering = Gathering()
    for result in results:
        gathering.add(result)
    return gathering.report(record, as_of="1-0")


def moment(said: Result, kind: str, owner: str = "", due: str = "") -> Highlight:
    return Highlight(
        id=f"{said.id}/{kind}", tenant="default", meeting="weekly", track=said.track, speaker=said.speaker,
        start_ms=said.start_ms, end_ms=said.end_ms, kind=kind, text=said.text, utterance=said.utterance,
        owner=owner, due=due,
    )  # fmt: skip


HELLO = says("Ann", 0, "Hello and welcome to the weekly.")
DECK = says("Ann", 3, "I'll send the deck by Friday.")
BAD = says("Bob", 10, "The support queue is terrible and the customers are angry about it.")


@pytest.fixture
def weekly() -> Report:
    loud = sounds(BAD, arousal=0.9, energy_z=2)
    return report(HELLO, DECK, BAD, feels(BAD, -0.8), loud, moment(DECK, "action_item", "Ann", "by Friday"))


def test_who_talked_how_long_and_in_which_mood(weekly: Report) -> None:
    ann, bob = weekly.participants
    assert (bob.name, bob.words, bob.polarity, bob.arousal) == ("Bob", 12, -0.8, 0.9)
    assert (ann.name, ann.talk_ms, ann.polarity) == ("Ann", 12 * 333, None)
    assert bob.share + ann.share == pytest.approx(1)


def test_successive_utterances_make_one_turn(weekly: Report) -> None:
    assert [(turn.start_ms, turn.speaker) for turn in weekly.transcript] == [(0, "Ann"), (10_000, "Bob")]
    assert weekly.transcript[0].text == f"{HELLO.text} {DECK.text}"


def test_the_heatmap_is_of_the_cells_in_which_somebody_spoke(weekly: Report) -> None:
    cells = weekly.heatmap.polarity["Bob"]
    assert len(cells) * weekly.heatmap.cell_ms >= 60_000
    assert [place for place, value in enumerate(cells) if value is not None] == [2]
    assert weekly.heatmap.polarity["Ann"] == (None,) * len(cells)


def test_a_result_that_comes_twice_counts_once(weekly: Report) -> None:
    loud = sounds(BAD, arousal=0.9, energy_z=2)
    again = (DECK, BAD, feels(BAD, -0.8), loud, moment(DECK, "action_item", "Ann", "by Friday"))
    assert report(HELLO, *again, *again) == weekly


def test_a_backfilled_text_takes_the_place_of_none() -> None:
    deferred = replace(says("Ann", 20, "", status="deferred"))
    text = replace(says("Ann", 20, "Late but here."), backfilled=True)
    assert report(HELLO, deferred).untranscribed == 1
    late = report(HELLO, deferred, text)
    assert late.untranscribed == 0
    assert late.transcript[-1].text.endswith("Late but here.")


def test_markdown_has_everything(weekly: Report) -> None:
    text = to_markdown(weekly)
    assert text.startswith("# weekly\n\n*2025-10-09 08:53 UTC · 1 min 0 s · 2 speakers*")
    assert "- [ ] I'll send the deck by Friday. **Ann, due by Friday** — Ann, 00:00:03" in text
    assert "| Bob | 4 s | 50% | 12 | negative (-0.80) | excited (0.90) |" in text
    assert f"**Bob** (00:00:10): {BAD.text}" in text


@pytest.fixture
def hostile() -> Report:
    speaker = Speaker("x", f"{HOSTILE}](javascript:alert(1))\n# owned")
    said = replace(says("X", 5, f"{HOSTILE} I'll send *it* | by Friday."), speaker=speaker)
    return report(said, feels(said, 0.9), moment(said, "action_item", HOSTILE, "by Friday"))


class Tags(HTMLParser):
    """Which elements a page has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]


def test_names_and_texts_are_only_text(hostile: Report) -> None:
    tags = Tags(to_html(hostile)).found
    assert {"h1", "table", "svg"} <= tags
    assert not tags & {"img", "script", "a", "iframe", "link"}
    ET.fromstring(svg(hostile.heatmap))
    lines = to_markdown(hostile).splitlines()
    assert not [line for line in lines if "<img" in line.replace("\\<", "")]
    assert not [line for line in lines if line.startswith("# owned")]
    assert to_pdf(hostile).startswith(b"%PDF-")


def test_the_page_needs_nothing_else(weekly: Report) -> None:
    page = to_html(weekly)
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page


def test_an_empty_meeting_has_a_report() -> None:
    nothing = report(record=replace(RECORD, ends={}, ended_at_ms=None))
    assert "so far" in to_markdown(nothing)
    assert "Nothing was said." in to_html(nothing)
    assert to_pdf(nothing).startswith(b"%PDF-")
    ET.fromstring(svg(nothing.heatmap))
    assert orjson.loads(orjson.dumps(nothing))["transcript"] == []


def test_names_of_every_script_make_a_pdf() -> None:
    said = [replace(says("A", 3 * i, "Hello there."), track=name, speaker=Speaker(name, name))
            for i, name in enumerate(("Zoë Łukasz", "Ольга", "王小明", "محمد", "🦊"))]  # fmt: skip
    assert to_pdf(report(*said)).startswith(b"%PDF-")


def test_a_summary_is_of_what_the_meeting_was_about() -> None:
    topic = [
        "The migration of the database will take two weeks of work.",
        "We tested the migration of the database on a copy last night.",
        "During the migration the database will be read only for an hour.",
    ]
    other = [
        "My brother has painted his kitchen in a rather bright green.",
        "Can you please tell me when the migration of the database begins?",
        "Good morning everybody and thanks for joining the call so early.",
        "Yes.",
    ]
    assert {topic[i] if i < 3 else other[i - 3] for i in central_sentences([*topic, *other], 2)} < set(topic)


def test_what_is_due_for_a_day_is_due_that_day() -> None:
    call = says("Ann", 3, "Let's schedule a call for Thursday.")
    assert "**due Thursday** — Ann" in to_markdown(
        report(call, moment(call, "action_item", "", "for Thursday"))
    )


def test_the_rest_of_a_sentence_that_a_pause_cut_sums_nothing_up() -> None:
    halves = ["We looked at the launch.", "of the new billing service and the migration of old invoices."]
    whole = [
        "The billing service moves invoices on Monday at nine.",
        "Old invoices stay in the archive for years.",
    ]
    assert 1 not in central_sentences([*halves, *whole], 3)
    lower = [text.lower() for text in (*halves, *whole)]  # of an engine that knows no capitals
    assert len(central_sentences(lower, 3)) == 3


def test_times_beneath_the_heatmap_are_those_of_its_cells() -> None:
    long = heatmap_of([], ["Ann"], 47 * 60_000)
    times = re.findall(r'font-size="11"[^>]*>([^<]+)<', svg(long))
    assert long.cell_ms == 60_000
    assert times[:3] == ["00:00:00", "00:06:00", "00:12:00"]


def test_a_summary_says_nothing_twice() -> None:
    same = ["The launch of the new product moves to the first week of May."] * 5
    rest = ["The hiring of three engineers for the payments team was approved by finance."]
    assert central_sentences([*same, *rest], 3) == [0, 5]


def test_the_summary_of_a_very_long_meeting_is_bounded() -> None:
    texts = [f"Sentence number {i} is about topic{i % 50} and matter{i % 31} in detail." for i in range(5000)]
    assert len(central_sentences(texts, 9)) <= 9
