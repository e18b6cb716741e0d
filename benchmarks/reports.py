"""What a report costs, by the length of the meeting; and the summary, against sumy's where that is installed.

    python -m benchmarks.reports [--hours 0.5 2]

The meeting is made up: sentences of the labelled ones in random order, twenty a minute, four
speakers. Times are processor time of one core.
"""

import argparse
import random
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.machine import machine_line
from common.identity import Meeting, Speaker
from common.results import Mood, Result, Sentiment, Transcript
from common.streams.audio_log import MeetingRecord
from workers.jobs.highlights.finding import bound_and_settled
from workers.jobs.report.gathering import Gathering
from workers.jobs.report.markdown import to_markdown
from workers.jobs.report.pdf import to_pdf
from workers.jobs.report.summary import central_sentences
from workers.jobs.report.web import to_html

SENTENCES = Path(__file__).with_name("highlight_sentences.toml")
NAMES = ("Ann Abel", "Bob Okoro", "Mei Lin", "Zoë Martin")
MEETING = Meeting("default", "weekly")
EVERY_MS = 3000
CALM = Mood(0, 0.5)


@dataclass
class Line:
    """A sentence as sumy wants it."""

    words: Sequence[str]

    def __hash__(self) -> int:
        return id(self)


@dataclass
class Document:
    """A text as sumy wants it."""

    sentences: list[Line] = field(default_factory=list)


def texts(count: int) -> list[str]:
    """Words of the labelled sentences, shuffled, so that no two lines are the same."""
    chance = random.Random(1)
    rows = [row[-1] for part in tomllib.loads(SENTENCES.read_text()).values() for row in part]
    words = [word for row in rows for word in row.rstrip(".?").split()]
    return [" ".join(chance.choices(words, k=len(chance.choice(rows).split()))) + "." for _ in range(count)]


def results(lines: Sequence[str]) -> Iterator[Result]:
    for number, text in enumerate(lines):
        name = NAMES[number % len(NAMES)]
        about = {
            "tenant": MEETING.tenant, "meeting": MEETING.id, "track": name, "speaker": Speaker(name, name),
            "start_ms": number * EVERY_MS, "end_ms": (number + 1) * EVERY_MS, "utterance": f"u{number}",
        }  # fmt: skip
        said = Transcript(id=f"u{number}/final", status="final", text=text, stable=text, **about)
        yield said
        yield from bound_and_settled(said)
        yield Sentiment(
            id=f"u{number}/text", source="text", polarity=(number % 21 - 10) / 10, arousal=0.5, tone=None,
            mood=CALM, meeting_mood=CALM, **about,
        )  # fmt: skip


def seconds(do: Callable[[], object]) -> float:
    began = time.process_time()
    do()
    return time.process_time() - began


def report_row(hours: float) -> None:
    count = round(hours * 3_600_000 / EVERY_MS)
    gathering = Gathering()
    for result in results(texts(count)):
        gathering.add(result)
    record = MeetingRecord(MEETING, 1_760_000_000_000, None, ends={}, counters={})
    gathered = seconds(lambda: gathering.report(record, as_of="1-0"))
    report = gathering.report(record, as_of="1-0")
    costs = [seconds(lambda write=write: write(report)) for write in (to_html, to_markdown, to_pdf)]
    print(f"{hours:>6}{count:>12}{gathered:>10.2f}" + "".join(f"{cost:>10.2f}" for cost in costs))


def summary_row(count: int) -> None:
    lines = texts(count)
    own = seconds(lambda: central_sentences(lines, 9))
    print(f"{count:>10}{own:>10.2f}{sumy_seconds(lines):>10}")


def sumy_seconds(lines: Sequence[str]) -> str:
    try:
        from sumy.summarizers.lex_rank import LexRankSummarizer  # noqa: PLC0415  # only where installed
    except ImportError:
        return "-"
    document = Document([Line(line.split()) for line in lines])
    return f"{seconds(lambda: LexRankSummarizer()(document, 9)):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--hours", type=float, nargs="+", default=[0.5, 2])
    hours = parser.parse_args().hours
    print(machine_line(["reportlab", "jinja2", "numpy", "sumy"]))
    report_row(0.01)  # loads the fonts
    print(f"\n{'hours':>6}{'utterances':>12}{'report':>10}{'page':>10}{'Markdown':>10}{'PDF':>10}")
    for length in hours:
        report_row(length)
    print(f"\n{'sentences':>10}{'summary':>10}{'sumy':>10}")
    for count in (400, 800, 2000):
        summary_row(count)


if __name__ == "__main__":
    main()
