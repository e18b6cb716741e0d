"""The promises of the pipeline, end to end."""

from pathlib import Path

import jsonschema
import orjson
import pytest

from common.results import Activity, Keyword, Result, Sentiment, Transcript, json_schema, to_json
from tests.system.kit import System, finals, play

pytestmark = pytest.mark.system
MEETINGS = 2


@pytest.fixture(scope="module")
def meetings(system: System, clip: Path) -> list[list[Result]]:
    """All results of two meetings that played the same clip at once."""
    assert play(system, [clip], "live", "--meetings", str(MEETINGS), "--format", "json").wait(120) == 0
    return [system.finished(f"live-{number}") for number in range(MEETINGS)]


def test_what_was_said_is_in_the_finals(meetings: list[list[Result]]) -> None:
    for results in meetings:
        text = " ".join(final.text for final in finals(results)).lower()
        for words in ("search page", "next slide", "wonderful news", "congratulations"):
            assert words in text


def test_every_utterance_has_one_final_and_partials_came_while_it_was_spoken(
    meetings: list[list[Result]],
) -> None:
    for results in meetings:
        utterances = {r.utterance for r in results if isinstance(r, Activity)}
        assert sorted(f.utterance for f in finals(results)) == sorted(utterances)
        partials = [r for r in results if isinstance(r, Transcript) and r.status == "partial"]
        assert partials
        closed = {r.utterance: r.end_ms for r in results if isinstance(r, Activity) and r.state == "silent"}
        assert all(partial.end_ms <= closed[partial.utterance] for partial in partials)


def test_nothing_is_out_of_order_within_its_track_or_there_twice(meetings: list[list[Result]]) -> None:
    for results in meetings:
        starts = [final.start_ms for final in finals(results)]
        assert starts == sorted(starts)
        ids = [result.id for result in results]
        assert len(ids) == len(set(ids))
        seen_final: set[str] = set()
        for result in results:
            if isinstance(result, Transcript):
                assert result.utterance not in seen_final
                if result.status == "final":
                    seen_final.add(result.utterance)


def test_commands_tone_and_polarity_are_there(meetings: list[list[Result]]) -> None:
    for results in meetings:
        assert "next slide" in {r.phrase for r in results if isinstance(r, Keyword)}
        assert {r.source for r in results if isinstance(r, Sentiment)} == {"tone", "text"}
        assert max(r.polarity for r in results if isinstance(r, Sentiment)) > 0.3


def test_every_result_fits_its_schema(meetings: list[list[Result]]) -> None:
    for result in meetings[0]:
        jsonschema.validate(orjson.loads(to_json(result)), json_schema(result.type))


def test_words_lie_in_order_inside_their_utterance(meetings: list[list[Result]]) -> None:
    for final in finals(meetings[0]):
        times = [time for word in final.words for time in (word.start_ms, word.end_ms)]
        assert times == sorted(times)
        assert all(final.start_ms <= time <= final.end_ms + 500 for time in times)


def test_with_the_quality_pinned_a_second_run_gives_the_same_text(
    system: System, clip: Path, meetings: list[list[Result]]
) -> None:
    assert play(system, [clip], "again", "--format", "json").wait(120) == 0
    again = [final.text for final in finals(system.finished("again-0"))]
    assert again == [final.text for final in finals(meetings[0])]
