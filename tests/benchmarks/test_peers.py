import json

import numpy as np
import pytest
from websockets.asyncio.server import serve

from benchmarks import peers_clients
from benchmarks.live import Spoken
from benchmarks.peers import Row, errors, stored, word_latencies
from benchmarks.peers_clients import Session, Shown, WhisperLive, whisper_live

WORDS = [Spoken("red", 400), Spoken("green", 900), Spoken("blue", 1500)]


def segment(start, text, *, completed=False):
    return {"start": f"{start:.3f}", "end": "9.000", "text": text, "completed": completed}


def test_a_word_counts_from_its_end_to_the_first_view_that_holds_it_at_its_place():
    shown = [Shown(0.6, {0: "red"}), Shown(1.5, {0: "red grey"}), Shown(2.0, {0: "red green", 1200: "blue"})]
    assert word_latencies(shown, WORDS) == pytest.approx([200, 1100, 500])


def test_a_word_at_another_place_is_not_seen():
    assert word_latencies([Shown(1.0, {0: "blue green"})], WORDS) == pytest.approx([100])


def test_a_word_is_not_seen_before_it_is_said():
    shown = [Shown(0.3, {0: "the blue"}), Shown(1.6, {0: "red green blue"})]
    assert sorted(word_latencies(shown, WORDS)) == pytest.approx([100, 700, 1200])


def test_completed_segments_stay_and_the_current_one_is_replaced():
    session, client = Session(), WhisperLive(socket=None)
    client.receive({"segments": [segment(0, "red"), segment(0.5, "grey")]}, session)
    client.receive({"segments": [segment(0, "red", completed=True), segment(0.6, "green blue")]}, session)
    client.receive({"segments": [segment(0.6, "green", completed=True)]}, session)
    assert session.final == {0: "red", 600: "green"}
    assert errors(session, WORDS) == 1


def test_what_is_said_again_is_nothing_new():
    session, client = Session(), WhisperLive(socket=None)
    message = {"segments": [segment(0, "red")]}
    assert client.receive(message, session)
    assert not client.receive(message, session)
    assert not client.receive({"message": "SERVER_READY"}, session)


async def test_audio_is_sent_as_it_is_captured_and_all_that_comes_is_noted(monkeypatch):
    monkeypatch.setattr(peers_clients, "QUIET_S", 0.2)
    came = []

    async def server(socket):
        assert json.loads(await socket.recv())["language"] == "en"
        await socket.send(json.dumps({"message": "SERVER_READY"}))
        while len(came) < 3:
            came.append(np.frombuffer(await socket.recv(), np.float32))
            await socket.send(json.dumps({"segments": [segment(0, f"{len(came)} chunks")]}))
        await socket.wait_closed()

    audio = np.arange(4000, dtype=np.int16)
    async with serve(server, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        session = await whisper_live(f"ws://127.0.0.1:{port}", audio, "ann")
    assert np.array_equal(np.concatenate(came) * 32768, audio)
    assert [dict(view.texts) for view in session.shown] == [{0: f"{n} chunks"} for n in (1, 2, 3)]
    assert all(view.at_s >= due_s for view, due_s in zip(session.shown, (0.1, 0.2, 0.25), strict=True))


async def test_a_client_that_is_turned_away_says_so():
    async def full(socket):
        await socket.recv()
        await socket.send(json.dumps({"status": "WAIT", "message": 3}))

    async with serve(full, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        with pytest.raises(RuntimeError, match="WAIT"):
            await whisper_live(f"ws://127.0.0.1:{port}", np.zeros(10, np.int16), "ann")


def test_rows_of_an_earlier_run_are_kept(tmp_path):
    row = Row("hubbub", 4, (1.0, 2.0, 3.0), 0.99, 0.02, 1.5)
    path = tmp_path / "peers.json"
    path.write_text(json.dumps({"rows": [vars(row)]}))
    assert stored(path)["hubbub", 4].words_seen == 0.99
    assert stored(tmp_path / "none.json") == {}
