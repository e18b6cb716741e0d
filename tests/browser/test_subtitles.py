"""What a browser's own parser of WebVTT makes of our subtitles."""

import base64
from dataclasses import replace

import pytest

from common.identity import Meeting, Speaker
from common.results import Transcript
from tests.browser import scene
from tests.browser.kit import Browser
from workers.gateway.exports import EXPORTS
from workers.gateway.transcript import TranscriptDocument

pytestmark = [pytest.mark.integration, pytest.mark.browser]

MEETING = Meeting("default", "sync")
HOSTILE = "R&D <b>Eve</b> --> 00:00:09.000"
PARSE = """async encoded => {
  const track = Object.assign(document.createElement("track"), { src: `data:text/vtt;base64,${encoded}` });
  const video = document.createElement("video");
  video.append(track);
  document.body.append(video);
  track.track.mode = "hidden";
  await new Promise((resolve, reject) => { track.onload = resolve; track.onerror = reject; });
  return [...track.track.cues].map((cue) => {
    const voice = cue.getCueAsHTML().firstChild;
    return [cue.startTime * 1000, cue.endTime * 1000, voice.title, voice.textContent];
  });
}"""


def said() -> tuple[Transcript, ...]:
    results = [r for r in scene.whole(MEETING) if isinstance(r, Transcript) and r.status == "final"]
    words = tuple(replace(word, text=HOSTILE) for word in results[0].words[:2])
    hostile = replace(results[0], speaker=Speaker("h", HOSTILE), words=words, text=f"{HOSTILE} {HOSTILE}")
    return (hostile, *results[1:])


async def test_every_word_is_under_its_speaker_and_within_its_time(browser: Browser) -> None:
    lines = said()
    document = TranscriptDocument(
        meeting="sync", started_at_ms=0, ended=True, as_of="1-0", lines=lines, open=()
    )
    written = EXPORTS["vtt"][1](document).encode()
    page = await browser.new_page()
    cues = await page.evaluate(PARSE, base64.b64encode(written).decode())
    for line in lines:
        ours = [cue for cue in cues if line.start_ms - 1 <= cue[0] and cue[1] <= line.end_ms + 1]
        assert " ".join(text for *_, text in ours) == line.text
        assert {voice for _, _, voice, _ in ours} == {line.speaker.name}
