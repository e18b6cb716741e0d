"""The heatmap as an SVG picture: a row for each speaker, a cell for each stretch of time."""

from collections.abc import Callable, Mapping
from html import escape

from common.meeting_report import Heatmap
from common.plain import clock
from workers.jobs.report.colours import Colour, arousal_colour, as_hex, polarity_colour

WIDTH, LABELS, ROW, GAP = 960, 170, 26, 3
HEAD, AXIS = 28, 22
MAX_LABEL = 22
TICKS = 8

_Rows = Mapping[str, tuple[float | None, ...]]
_STYLE = 'font-family="system-ui, Helvetica, Arial, sans-serif" font-size="13" fill="#444"'


def svg(heatmap: Heatmap) -> str:
    """Both sides of the mood, one above the other. Needs no style sheet."""
    side = HEAD + ROW * len(heatmap.polarity) + AXIS
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {2 * side + 12}" role="img" '
        f'aria-label="Mood of each speaker over time" {_STYLE}>',
        f'<rect width="{WIDTH}" height="{2 * side + 12}" fill="#fff"/>',
        *_panel(
            "What was said: orange is bad, blue is good", heatmap.polarity, heatmap.cell_ms, polarity_colour
        ),
        f'<g transform="translate(0 {side + 12})">',
        *_panel(
            "How it was said: the darker, the more excited", heatmap.arousal, heatmap.cell_ms, arousal_colour
        ),
        "</g></svg>",
    ]
    return "".join(parts)


def shortened(name: str) -> str:
    """A name that fits before its row."""
    return name if len(name) <= MAX_LABEL else name[: MAX_LABEL - 1] + "…"


def _panel(title: str, rows: _Rows, cell_ms: int, colour: Callable[[float], Colour]) -> list[str]:
    parts = [f'<text x="0" y="16" font-weight="600" fill="#222">{title}</text>']
    for number, (name, cells) in enumerate(rows.items()):
        top = HEAD + number * ROW
        parts.append(
            f'<text x="{LABELS - 10}" y="{top + 17}" text-anchor="end">{escape(shortened(name))}</text>'
        )
        width = (WIDTH - LABELS) / len(cells)
        for place, value in enumerate(cells):
            fill = "#f7f7f7" if value is None else as_hex(colour(value))
            told = "silent" if value is None else f"{value:+.2f}"
            parts.append(
                f'<rect x="{LABELS + place * width:.1f}" y="{top}" width="{max(1, width - 1):.1f}" '
                f'height="{ROW - GAP}" rx="2" fill="{fill}">'
                f"<title>{escape(name)}, {clock(place * cell_ms)}: {told}</title></rect>"
            )
    return parts + _axis(rows, cell_ms)


def _axis(rows: _Rows, cell_ms: int) -> list[str]:
    """The time at which a cell begins, of every so many that their texts don't touch."""
    cells = len(next(iter(rows.values()), ()))
    y = HEAD + ROW * len(rows) + 14
    return [
        f'<text x="{LABELS + cell * (WIDTH - LABELS) / cells:.1f}" y="{y}" font-size="11" fill="#777">'
        f"{clock(cell * cell_ms)}</text>"
        for cell in range(0, cells, -(-cells // TICKS) or 1)
    ]
