"""The report as Markdown."""

from collections.abc import Iterator

from common.meeting_report import Moment, Report
from common.plain import clock, markdown
from workers.jobs.report.wording import (
    HEADINGS,
    arousal_in_words,
    minutes,
    obligation,
    polarity_in_words,
    subtitle,
)


def to_markdown(report: Report) -> str:
    """Headings, lists and a table; the heatmap is a picture beside it."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# {markdown(report.meeting)}"
    yield f"\n*{markdown(subtitle(report))}*"
    if report.summary:
        yield "\n## Summary\n"
        for said in report.summary:
            yield f"- {markdown(said.text)} — {markdown(said.speaker)}, {clock(said.start_ms)}"
    for kind, heading in HEADINGS.items():
        moments = report.moments(kind)
        if moments:
            yield f"\n## {heading}\n"
            yield from map(_moment, moments)
    yield from _participants(report)
    yield "\n## Mood\n\n![Mood of each speaker over time](report.svg)"
    yield "\n## Transcript"
    for turn in report.transcript:
        yield f"\n**{markdown(turn.speaker)}** ({clock(turn.start_ms)}): {markdown(turn.text)}"
    if report.untranscribed:
        yield f"\n*{report.untranscribed} utterances could not be transcribed.*"


def _moment(moment: Moment) -> str:
    who = obligation(moment)
    box = "[ ] " if moment.kind == "action_item" else ""
    bound = f" **{markdown(who)}**" if who else ""
    return f"- {box}{markdown(moment.text)}{bound} — {markdown(moment.speaker)}, {clock(moment.start_ms)}"


def _participants(report: Report) -> Iterator[str]:
    if not report.participants:
        return
    yield "\n## Participants\n"
    yield "| speaker | talk time | share | words | what was said | how it was said |"
    yield "|---|---|---|---|---|---|"
    for one in report.participants:
        cells = (
            markdown(one.name),
            minutes(one.talk_ms),
            f"{one.share:.0%}",
            str(one.words),
            polarity_in_words(one.polarity),
            arousal_in_words(one.arousal),
        )
        yield f"| {' | '.join(cells)} |"
