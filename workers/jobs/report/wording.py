"""Figures and moments in words, the same in every kind of file."""

from datetime import UTC, datetime

from common.meeting_report import HighlightKind, Moment, Report

HEADINGS: dict[HighlightKind, str] = {
    "action_item": "Action items",
    "decision": "Decisions",
    "question": "Questions left open",
    "strong_moment": "Strong moments",
}


def subtitle(report: Report) -> str:
    """When, how long, how many, and how much of it was heard."""
    started = datetime.fromtimestamp(report.started_at_ms / 1000, UTC)
    parts = [f"{started:%Y-%m-%d %H:%M} UTC", minutes(report.duration_ms), speakers(len(report.participants))]
    if not report.ended:
        parts.append("so far")
    if report.coverage < 1:
        parts.append(f"{report.coverage:.1%} of the audio transcribed")
    return " · ".join(parts)


def speakers(count: int) -> str:
    """How many spoke."""
    return "1 speaker" if count == 1 else f"{count} speakers"


def minutes(duration_ms: int) -> str:
    """A length in minutes and seconds."""
    whole, seconds = divmod(round(duration_ms / 1000), 60)
    return f"{whole} min {seconds} s" if whole else f"{seconds} s"


def obligation(moment: Moment) -> str:
    """Who is to do it and by when, as far as that was said."""
    due = f"due {moment.due.removeprefix('for ')}" if moment.due else ""
    return ", ".join(part for part in (moment.owner, due) if part)


def polarity_in_words(value: float | None) -> str:
    """Of words: -1 to 1."""
    if value is None:
        return "-"
    word = "positive" if value >= 0.15 else "negative" if value <= -0.15 else "neutral"
    return f"{word} ({value:+.2f})"


def arousal_in_words(value: float | None) -> str:
    """Of a voice: 0 to 1."""
    if value is None:
        return "-"
    word = "excited" if value >= 0.65 else "calm" if value <= 0.35 else "even"
    return f"{word} ({value:.2f})"
