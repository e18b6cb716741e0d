"""Structured logs: an event and key-values, as JSON for machines or in colour for people."""

import logging
import sys
from typing import Any

import structlog

from common.redaction import redacted
from common.settings import LogSettings


def configure_logs(settings: LogSettings, **context: str) -> None:
    """Set up logging of this process, bound to `context` (pool, member …), on standard error."""
    as_json = settings.format == "json" or (settings.format == "auto" and not sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if as_json
        else [structlog.dev.ConsoleRenderer()]
    )
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    structlog.configure(
        processors=[*shared, *renderer, _redact],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # whatever that is by then
    )
    structlog.contextvars.bind_contextvars(**context)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacting("%(name)s: %(message)s"))
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler])


def _redact(_: Any, __: str, line: Any) -> str:
    """The last step: whatever the line was made of, exceptions included, no secret is in it."""
    return redacted(str(line))


class _Redacting(logging.Formatter):
    """The same for what libraries log."""

    def format(self, record: logging.LogRecord) -> str:
        """One line without secrets."""
        return redacted(super().format(record))
