"""The report as one web page that needs nothing else. Every value is escaped by the template."""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from common.meeting_report import Report
from common.plain import clock
from workers.jobs.report import wording
from workers.jobs.report.picture import svg


def to_html(report: Report) -> str:
    """A page to read, print, or send."""
    picture = Markup(svg(report.heatmap))  # noqa: S704  # its names are escaped where it is drawn
    return _template().render(report=report, picture=picture, headings=wording.HEADINGS, wording=wording)


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["clock"] = clock
    return environment.from_string(files("workers.jobs.report").joinpath("report.html").read_text())
