"""The report as PDF, with ReportLab.

The fonts beside this module have Latin, Greek, Cyrillic and much else, but no Chinese, Japanese
or Korean: what they lack is drawn as an empty box.
"""

from collections.abc import Iterator
from functools import cache
from importlib.resources import as_file, files
from io import BytesIO
from xml.sax.saxutils import escape

from reportlab.graphics.shapes import Drawing, Rect, String
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from common.meeting_report import Heatmap, Moment, Report
from common.plain import clock
from workers.jobs.report.colours import Colour, arousal_colour, polarity_colour
from workers.jobs.report.picture import shortened
from workers.jobs.report.wording import (
    HEADINGS,
    arousal_in_words,
    minutes,
    obligation,
    polarity_in_words,
    subtitle,
)

WIDTH = A4[0] - 40 * mm
LABELS = 36 * mm
ROW = 6 * mm
_INK, _SOFT, _LINE, _EMPTY = (
    HexColor("#1c2430"),
    HexColor("#5c6675"),
    HexColor("#e3e7ed"),
    HexColor("#f7f7f7"),
)
_FONT, _BOLD = "DejaVuSans", "DejaVuSans-Bold"

_BODY = ParagraphStyle("body", fontName=_FONT, fontSize=9, leading=13, textColor=_INK, spaceAfter=4)
_TITLE = ParagraphStyle("title", _BODY, fontName=_BOLD, fontSize=18, leading=22, spaceAfter=2)
_SUBTITLE = ParagraphStyle("subtitle", _BODY, textColor=_SOFT)
_HEADING = ParagraphStyle(
    "heading", _BODY, fontName=_BOLD, fontSize=12, leading=16, spaceBefore=12, spaceAfter=6, keepWithNext=1
)
_ITEM = ParagraphStyle("item", _BODY, leftIndent=10, bulletIndent=0)
_CELL = ParagraphStyle("cell", _BODY, fontSize=8, leading=11, spaceAfter=0)


def to_pdf(report: Report) -> bytes:
    """Pages of A4."""
    _register_fonts()
    out = BytesIO()
    document = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=20 * mm, rightMargin=20 * mm, topMargin=18 * mm, bottomMargin=18 * mm,
        title=f"{report.meeting}: report", author="Hubbub", invariant=1,
    )  # fmt: skip
    document.build(list(_story(report)), onFirstPage=_number, onLaterPages=_number)
    return out.getvalue()


@cache
def _register_fonts() -> None:
    for name in (_FONT, _BOLD):
        with as_file(files("workers.jobs.report").joinpath("fonts", f"{name}.ttf")) as path:
            registerFont(TTFont(name, str(path)))
    registerFontFamily(_FONT, normal=_FONT, bold=_BOLD, italic=_FONT, boldItalic=_BOLD)


def _number(canvas: object, document: object) -> None:
    """The number of a page at its foot."""
    canvas.setFont(_FONT, 8)  # type: ignore[attr-defined]  # ReportLab has no types
    canvas.setFillColor(_SOFT)  # type: ignore[attr-defined]
    canvas.drawRightString(A4[0] - 20 * mm, 10 * mm, str(document.page))  # type: ignore[attr-defined]


def _story(report: Report) -> Iterator[Flowable]:
    yield Paragraph(escape(report.meeting), _TITLE)
    yield Paragraph(escape(subtitle(report)), _SUBTITLE)
    if report.summary:
        yield Paragraph("Summary", _HEADING)
    for said in report.summary:
        yield _item(escape(said.text), said.speaker, said.start_ms)
    for kind, heading in HEADINGS.items():
        moments = report.moments(kind)
        if moments:
            yield Paragraph(heading, _HEADING)
            yield from map(_moment, moments)
    if report.participants:
        yield Paragraph("Participants", _HEADING)
        yield _participants(report)
    if report.heatmap.polarity:
        yield Paragraph("Mood", _HEADING)
        yield from _moods(report.heatmap)
    yield from _transcript(report)


def _item(markup: str, speaker: str, start_ms: int) -> Paragraph:
    by = f'<font color="#5c6675" size="8"> — {escape(speaker)}, {clock(start_ms)}</font>'
    return Paragraph(markup + by, _ITEM, bulletText="•")


def _moment(moment: Moment) -> Paragraph:
    who = obligation(moment)
    bound = f' <b><font color="#1d5c3a">{escape(who)}</font></b>' if who else ""
    return _item(escape(moment.text) + bound, moment.speaker, moment.start_ms)


def _participants(report: Report) -> Table:
    head = ("speaker", "talk time", "share", "words", "what was said", "how it was said")
    rows = [[Paragraph(f'<font color="#5c6675">{name}</font>', _CELL) for name in head]]
    for one in report.participants:
        figures = (minutes(one.talk_ms), f"{one.share:.0%}", str(one.words))
        moods = (polarity_in_words(one.polarity), arousal_in_words(one.arousal))
        rows.append(
            [Paragraph(f"<b>{escape(one.name)}</b>", _CELL)]
            + [Paragraph(text, _CELL) for text in (*figures, *moods)]
        )
    widths = [WIDTH * share for share in (0.28, 0.15, 0.1, 0.1, 0.19, 0.18)]
    ruled = TableStyle([("LINEBELOW", (0, 0), (-1, -1), 0.5, _LINE), ("VALIGN", (0, 0), (-1, -1), "MIDDLE")])
    return Table(rows, widths, style=ruled, repeatRows=1, hAlign="LEFT")


def _moods(heatmap: Heatmap) -> Iterator[Flowable]:
    """A drawing a row, so that many speakers go over several pages."""
    yield Paragraph("What was said: orange is bad, blue is good", _CELL)
    for name, cells in heatmap.polarity.items():
        yield _row(name, [_EMPTY if v is None else _colour(polarity_colour(v)) for v in cells])
    yield Spacer(1, 6)
    yield Paragraph("How it was said: the darker, the more excited", _CELL)
    for name, cells in heatmap.arousal.items():
        yield _row(name, [_EMPTY if v is None else _colour(arousal_colour(v)) for v in cells])
    cells_ms = heatmap.cell_ms * len(next(iter(heatmap.polarity.values())))
    yield Paragraph(f'<font color="#5c6675">from {clock(0)} to {clock(cells_ms)}</font>', _CELL)


def _row(name: str, colours: list[Color]) -> Drawing:
    drawing = Drawing(WIDTH, ROW)
    drawing.add(String(0, 5, shortened(name), fontName=_FONT, fontSize=8, fillColor=_INK))
    width = (WIDTH - LABELS) / len(colours)
    for place, colour in enumerate(colours):
        drawing.add(
            Rect(LABELS + place * width, 1, width * 0.93, ROW - 2, fillColor=colour, strokeColor=None)
        )
    return drawing


def _colour(colour: Colour) -> Color:
    red, green, blue = colour
    return Color(red / 255, green / 255, blue / 255)


def _transcript(report: Report) -> Iterator[Flowable]:
    yield Paragraph("Transcript", _HEADING)
    for turn in report.transcript:
        head = f'<font color="#5c6675" size="8">{clock(turn.start_ms)}</font> <b>{escape(turn.speaker)}</b>'
        yield Paragraph(f"{head} {escape(turn.text)}", _BODY)
    if report.untranscribed:
        yield Paragraph(f"{report.untranscribed} utterances could not be transcribed.", _SUBTITLE)
