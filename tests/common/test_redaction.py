from pathlib import Path

import pytest
import structlog

from common.logs import configure_logs
from common.redaction import redacted
from common.settings import LogSettings
from common.tokens import new_text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("GET /v1/meetings?access_token=s3cr3t&limit=1", "s3cr3t"),
        ("{'authorization': 'Bearer s3cr3t'}", "s3cr3t"),
        ("Authorization: Token s3cr3t", "s3cr3t"),
        ("wss://host/b-1/v1/meetstream/audio/s3cr3t closed", "s3cr3t"),
        ("no Redis at rediss://user:s3cr3t@host:6379/0: timeout", "s3cr3t"),
        ("no Redis at redis://:s3cr3t@host", "s3cr3t"),
        ("secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ],
)
def test_secrets_are_masked_wherever_they_are_carried(text: str, secret: str) -> None:
    assert secret not in redacted(text)
    assert "***" in redacted(text)


def test_our_own_tokens_are_known_anywhere() -> None:
    token = new_text()
    assert redacted(f"what is {token}?") == "what is hubbub_***?"


@pytest.mark.parametrize(
    "text", ["http://host/v1/meetings/weekly", "a@b.example", "hubbub_stage_entries_total", "12:30@noon"]
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("form", ["json", "console"])
def test_log_lines_have_none_even_in_an_exception(capsys: pytest.CaptureFixture[str], form: str) -> None:
    configure_logs(LogSettings(format=form))  # type: ignore[arg-type]
    token = new_text()
    try:
        Path(f"redis://u:{token}@host").read_text()
    except OSError:
        structlog.get_logger().exception("failed", url=f"/x?access_token={token}", nested={"token": [token]})
    written = capsys.readouterr().err
    assert "failed" in written
    assert token.removeprefix("hubbub_") not in written
