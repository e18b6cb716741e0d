"""What came of the meeting: counts, talk time, latencies, and what is missing."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from common.identity import Speaker
from ingest.demo.board import Board, Caption, Clock
from ingest.demo.meeting import BundledMeeting, Phrase, Turn

LEAST_COVERAGE = 0.99
_TOLERANCE_MS = 1_000


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Latencies of one clock in milliseconds, by nearest rank."""

    clock: Clock
    count: int
    p50_ms: int
    p95_ms: int


@dataclass(frozen=True, slots=True)
class Talk:
    """How long somebody spoke, as the utterances have it, and in what mood they ended (-1 to 1)."""

    speaker: Speaker
    utterances: int
    duration_ms: int
    polarity: float


@dataclass(frozen=True, slots=True)
class Heard:
    """How much of something known in advance was heard."""

    found: int
    expected: int


@dataclass(frozen=True, slots=True)
class Summary:
    """`problems` is empty when the whole meeting was captioned."""

    counts: dict[str, int]
    talk: tuple[Talk, ...]
    latencies: tuple[Percentiles, ...]
    words: Heard
    keywords: Heard
    coverage: float
    problems: tuple[str, ...]


def summarise(board: Board, meeting: BundledMeeting, coverage: float) -> Summary:
    """Judge a board by the meeting that was played; coverage (0 to 1) is the system's own figure."""
    finals = _finals(board)
    names = ("partial", "final", "keyword", "sentiment", "highlight")
    return Summary(
        {"utterance": len(board.utterances), **{name: board.counts[name] for name in names}},
        tuple(_talk(finals, board)),
        tuple(_percentiles(clock, values) for clock, values in board.latencies.items()),
        _count_words(finals, meeting),
        Heard(sum(_was_heard(phrase, board) for phrase in meeting.keywords), len(meeting.keywords)),
        coverage,
        tuple(_problems(board, meeting, coverage)),
    )


def percentile(values: Sequence[int], percent: int) -> int:
    """By nearest rank; 0 where there is nothing."""
    if not values:
        return 0
    rank = -(-len(values) * percent // 100)
    return sorted(values)[max(rank, 1) - 1]


def clock_time(ms: int) -> str:
    """Minutes and seconds."""
    return f"{ms // 60_000:02}:{ms // 1000 % 60:02}"


def _finals(board: Board) -> list[Caption]:
    finals = [caption for caption in board.captions.values() if caption.status == "final" and caption.text]
    return sorted(finals, key=lambda caption: caption.start_ms)


def _talk(finals: Sequence[Caption], board: Board) -> Iterator[Talk]:
    durations: Counter[Speaker] = Counter()
    for caption in finals:
        durations[caption.speaker] += caption.end_ms - caption.start_ms
    for speaker, duration_ms in durations.most_common():
        utterances = sum(caption.speaker == speaker for caption in finals)
        mood = board.moods.get(speaker)
        yield Talk(speaker, utterances, duration_ms, mood.polarity if mood else 0.0)


def _percentiles(clock: Clock, values: Sequence[int]) -> Percentiles:
    return Percentiles(clock, len(values), percentile(values, 50), percentile(values, 95))


def _count_words(finals: Sequence[Caption], meeting: BundledMeeting) -> Heard:
    """How many words of the script the captions have, in its order."""
    wanted = [word for turn in meeting.turns for word in _words(turn.text)]
    found = [word for caption in finals for word in _words(caption.text)]
    blocks = SequenceMatcher(None, wanted, found, autojunk=False).get_matching_blocks()
    return Heard(sum(block.size for block in blocks), len(wanted))


def _was_heard(phrase: Phrase, board: Board) -> bool:
    return any(
        _words(keyword.phrase) == _words(phrase.phrase)
        and keyword.start_ms < phrase.end_ms + _TOLERANCE_MS
        and keyword.end_ms > phrase.start_ms - _TOLERANCE_MS
        for keyword in board.keywords
    )


def _words(text: str) -> list[str]:
    plain = "".join(c for c in text.casefold() if c.isalnum() or c.isspace())
    return plain.split()


def _problems(board: Board, meeting: BundledMeeting, coverage: float) -> Iterator[str]:
    if not board.ended:
        yield "the end of the meeting was not reported"
    if board.unsettled:
        yield f"{len(board.unsettled)} of {len(board.utterances)} utterances have no final caption"
    lost = [caption for caption in board.captions.values() if caption.status == "lost"]
    if lost:
        yield f"{len(lost)} utterances were lost"
    for gap in board.gaps:
        yield f"audio is missing from {clock_time(gap.start_ms)} to {clock_time(gap.end_ms)}: {gap.reason}"
    finals = _finals(board)
    for turn in meeting.turns:
        if not any(_belongs(caption, turn) for caption in finals):
            yield f"no caption for {turn.speaker.name} at {clock_time(turn.start_ms)}: {turn.text}"
    if coverage < LEAST_COVERAGE:
        yield f"only {coverage:.1%} of the audio reached its final result"


def _belongs(caption: Caption, turn: Turn) -> bool:
    together = min(caption.end_ms, turn.end_ms) - max(caption.start_ms, turn.start_ms)
    return caption.speaker.id == turn.speaker.id and together > 0
