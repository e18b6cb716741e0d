"""Recordings played over real sockets, in every wire format."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from common.errors import HubbubError, InvalidInput
from ingest.player.play import Pace, Performance
from ingest.player.programme import compose
from ingest.player.recordings import find_clips, load
from ingest.player.wires import WIRES
from ingest.simulate import delays_s, play_all
from tests.ingest.kit import Ingest

SECOND = np.rint(np.sin(np.arange(16_000) * 0.06) * 9_000).astype(np.int16)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Two seconds by Ann at 16 kHz, one by Bo in stereo at 44.1 kHz."""
    soundfile.write(tmp_path / "one.flac", np.tile(SECOND, 2), 16_000)
    stereo = np.repeat(SECOND[:, None], 2, axis=1)
    soundfile.write(tmp_path / "two.wav", np.tile(stereo, (3, 1))[:44_100], 44_100)
    lines = [{"file": "one.flac", "text": "one", "speaker": "Ann"}, {"file": "two.wav", "speaker": "Bo"}]
    path = tmp_path / "manifest.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def test_manifests_folders_and_files_are_found_in_order(manifest: Path) -> None:
    listed = find_clips([manifest])
    assert [(c.name, c.text, c.speaker) for c in listed] == [
        ("one.flac", "one", "Ann"),
        ("two.wav", "", "Bo"),
    ]
    assert [c.path for c in find_clips([manifest.parent])] == [c.path for c in listed]
    assert [c.path for c in find_clips([listed[1].path])] == [listed[1].path]


@pytest.mark.parametrize(
    ("text", "says"), [("{", "line 1"), ('{"name": 1}', "line 1"), ("", "no audio"), ("[1]", "line 1")]
)
def test_bad_manifest_is_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=says):
        find_clips([path])


def test_missing_and_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nothing here"):
        find_clips([tmp_path / "nothing here"])
    (tmp_path / "noise.wav").write_bytes(b"no audio")
    with pytest.raises(InvalidInput, match=r"noise\.wav"):
        load(find_clips([tmp_path])[0])


def test_programme_has_one_rate_and_pauses(manifest: Path) -> None:
    recordings = [load(clip) for clip in find_clips([manifest])]
    programme = compose(recordings, rate=None, pause_ms=500)
    assert programme.rate == 16_000
    assert [len(s.pcm) for s in programme.segments] == [32_000, 8_000, 16_000, 8_000]
    assert compose(recordings[1:], rate=None, pause_ms=0).rate == 44_100
    rotated = programme.rotated(2)
    assert [s.speaker.name for s in rotated.segments if s.speaker] == ["Bo", "Ann"]


def test_messages_never_span_two_speakers(manifest: Path) -> None:
    programme = compose([load(clip) for clip in find_clips([manifest])], rate=48_000, pause_ms=500)
    pieces = list(programme.pieces(Pace(chunk_ms=700).sizes(48_000)))
    assert [len(p.pcm) for p in pieces] == [33_600, 33_600, 28_800, 24_000, 33_600, 14_400, 24_000]
    assert [p.end for p in pieces][-1] == programme.seconds * 48_000


async def test_meetstream_meetings_come_out_as_played(ingest: Ingest, manifest: Path) -> None:
    programme = compose([load(clip) for clip in find_clips([manifest])], rate=48_000, pause_ms=1_500)
    performances = [
        Performance(programme.rotated(2 * n), WIRES["meetstream"], f"sim-{n}", Pace(speed=20))
        for n in range(3)
    ]
    outcomes = await play_all(performances, ingest.url)
    assert [o.seconds for o in outcomes if not isinstance(o, HubbubError)] == [6.0] * 3
    await ingest.until(lambda: len(ingest.sink.ended) == 3, "all meetings end")
    for number in range(3):
        assert ingest.sink.samples(f"sim-{number}") == 96_000
        # A second of the pause stays with the speaker before.
        spoken = {
            name: len(ingest.sink.pcm(f"sim-{number}", name)) // 2 for name in ("Ann", "Bo", "NoSpeaker")
        }
        assert spoken == {"Ann": 48_000, "Bo": 32_000, "NoSpeaker": 16_000}


@pytest.mark.parametrize("wire", ["binary", "json"])
async def test_own_protocol_keeps_every_sample(ingest: Ingest, manifest: Path, wire: str) -> None:
    programme = compose([load(find_clips([manifest])[0])], rate=None, pause_ms=0)
    performance = Performance(programme, WIRES[wire], "sim", Pace(chunk_ms=20, speed=50))
    played = await performance.play(ingest.url)
    assert (played.messages, played.acknowledged) == (100, 100 if wire == "json" else 0)
    assert ingest.sink.pcm("sim", "mixed") == np.tile(SECOND, 2).tobytes()


async def test_messages_go_out_when_their_last_sample_was_captured(ingest: Ingest, manifest: Path) -> None:
    programme = compose([load(find_clips([manifest])[0])], rate=None, pause_ms=0)
    played = await Performance(programme, WIRES["binary"], "sim", Pace(chunk_ms=100, speed=2)).play(
        ingest.url
    )
    captured = [c.captured_ms - played.started_at_ms for c in ingest.sink.track("sim", "mixed") if c.pcm]
    assert captured[0] >= 50
    assert captured[-1] >= 1_000


def test_meetings_begin_as_far_apart_as_asked_and_never_in_step() -> None:
    assert all(later > before for before, later in pairwise(delays_s(9, 0)))
    assert all(later - before > 2 for before, later in pairwise(delays_s(3, 2)))


async def test_refused_meeting_leaves_the_others_alone(ingest: Ingest, manifest: Path) -> None:
    programme = compose([load(clip) for clip in find_clips([manifest])], rate=48_000, pause_ms=0)
    performances = [
        Performance(programme, WIRES["meetstream"], name, Pace(speed=50)) for name in ("good", "-bad-")
    ]
    good, bad = await play_all(performances, ingest.url)
    assert not isinstance(good, HubbubError)
    assert isinstance(bad, HubbubError)
    assert "meeting id" in str(bad)
    assert ingest.sink.samples("good") > 0


async def test_server_that_is_not_there_is_one_clear_line(manifest: Path) -> None:
    programme = compose([load(find_clips([manifest])[0])], rate=None, pause_ms=0)
    with pytest.raises(HubbubError, match=r"meeting sim: ws://127\.0\.0\.1:1"):
        await Performance(programme, WIRES["binary"], "sim").play("ws://127.0.0.1:1")


@asynccontextmanager
async def cutting(url: str, after_bytes: Sequence[int]) -> AsyncIterator[str]:
    """Passes connections on to a server; cuts the first ones, each after so many bytes."""
    limits = iter(after_bytes)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*url.removeprefix("ws://").split(":"))
        back = asyncio.create_task(_copy(far_reader, writer, None))
        await _copy(reader, far_writer, next(limits, None))
        for end in (writer, far_writer):
            end.transport.abort()
        await back

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield "ws://{}:{}".format(*server.sockets[0].getsockname())


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None) -> None:
    passed = 0
    with suppress(OSError):
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()
            passed += len(data)
            if limit is not None and passed >= limit:
                return
    writer.close()


async def test_lost_connections_cost_numbered_audio_nothing(ingest: Ingest, manifest: Path) -> None:
    programme = compose([load(find_clips([manifest])[0])], rate=None, pause_ms=0)
    performance = Performance(programme, WIRES["json"], "sim", Pace(chunk_ms=20, speed=10))
    async with cutting(ingest.url, [20_000, 30_000]) as url:
        played = await performance.play(url)
    assert (played.messages, played.acknowledged, played.reconnects) == (100, 100, 2)
    assert ingest.sink.pcm("sim", "mixed") == np.tile(SECOND, 2).tobytes()
    assert ("gap", "mixed") not in ingest.sink.statuses("sim")


async def test_live_audio_goes_on_after_a_lost_connection(ingest: Ingest, manifest: Path) -> None:
    programme = compose([load(find_clips([manifest])[0])], rate=None, pause_ms=0)
    performance = Performance(programme, WIRES["binary"], "sim", Pace(chunk_ms=20, speed=2))
    async with cutting(ingest.url, [20_000]) as url:
        played = await performance.play(url)
    assert played.reconnects == 1
    assert played.seconds == 2.0
    assert 10_000 < ingest.sink.samples("sim") < 32_000


async def test_server_that_stays_away_is_given_up(
    ingest: Ingest, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.player.play._AWAY_S", 0.3)
    programme = compose([load(find_clips([manifest])[0])], rate=None, pause_ms=0)
    performance = Performance(programme, WIRES["json"], "sim", Pace(chunk_ms=20, speed=10))
    with pytest.raises(HubbubError, match="meeting sim: ws://"):
        async with cutting(ingest.url, [20_000] * 100) as url:
            await performance.play(url)
