from pipeline import ANNA, Lexicon, transcript

from common.results import Sentiment
from common.stage import EntryId, Stream
from workers.sentiment.memory import TrackMemory
from workers.sentiment.reading import text_reading


def said(number: int) -> Sentiment:
    text = transcript(ANNA, 1000 * number, 1000 * number + 500, "good")
    return text_reading(text, Lexicon().polarities([text.text])[0])


def entry(number: int) -> EntryId:
    return EntryId(0, Stream.RESULTS, f"{number}-0")


def starts(memory: TrackMemory) -> list[int]:
    return [result.start_ms for result in memory]


def test_a_result_superseded_before_it_came_back_is_let_go_when_it_does() -> None:
    memory = TrackMemory(2)
    for number in range(4):
        assert memory.emitted(said(number)) == []
    assert [memory.returned(said(number), entry(number)) for number in range(4)] == [
        [entry(0)],
        [entry(1)],
        [],
        [],
    ]
    assert memory.entries() == [entry(2), entry(3)]


def test_what_a_former_owner_said_comes_before_what_is_under_way() -> None:
    memory = TrackMemory(3)
    memory.emitted(said(2))
    memory.returned(said(0), entry(0))
    memory.returned(said(1), entry(1))
    assert starts(memory) == [0, 1000, 2000]
    assert memory.emitted(said(3)) == [entry(0)]
    assert memory.returned(said(2), entry(2)) == []
    assert memory.entries() == [entry(1), entry(2)]
