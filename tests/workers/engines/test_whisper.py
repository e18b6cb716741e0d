import json
from collections import deque
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import soxr
from structlog.testing import capture_logs
from whisper_normalizer.english import EnglishTextNormalizer

from common.errors import EngineError
from workers.engines import ctranslate2_weights, whisper_model
from workers.engines.log_mel import LogMel
from workers.engines.speech import DecodeSettings
from workers.engines.whisper import WhisperEngine
from workers.engines.whisper_model import CPU, Decoded, Device, WhisperModel
from workers.engines.whisper_weights import BUNDLED, find_weights

FULL = DecodeSettings(context_s=12, beam=5)
BUSY = DecodeSettings(context_s=12, beam=1)
PARTIAL = DecodeSettings(context_s=6, beam=1, second_try=False)


def features(samples):
    mel = LogMel()
    return np.concatenate([mel.push(samples), mel.flush()])


@pytest.fixture(scope="session")
def model():
    return WhisperModel.load(find_weights(BUNDLED), device=CPU, language="en")


@pytest.fixture(scope="session")
def engine(model):
    return WhisperEngine(model)


@pytest.fixture(scope="session")
def said():
    """What is said in the bundled meeting: text and samples of the first turns."""
    folder = Path(__file__).parents[3] / "ingest" / "demo"
    meeting = json.loads((folder / "meeting.json").read_text())
    samples, rate = soundfile.read(folder / meeting["audio"], dtype="int16")
    samples = soxr.resample(samples, rate, 16_000)
    return [
        (turn["text"], samples[(turn["start_ms"] - 200) * 16 : (turn["end_ms"] + 500) * 16])
        for turn in meeting["turns"][:4]
    ]


@pytest.fixture(scope="session")
def turns(said):
    """What is said in the bundled meeting: text and features of the first turns."""
    return [(text, features(samples)) for text, samples in said]


def words_of(text):
    return EnglishTextNormalizer()(text).split()


@pytest.mark.parametrize("settings", [FULL, BUSY])
def test_it_hears_what_is_said_in_order(engine, turns, settings):
    heard = engine.transcribe([window for _, window in turns], settings, word_times=False)
    for (text, _), hypothesis in zip(turns, heard, strict=True):
        expected, found = words_of(text), words_of(hypothesis.text)
        assert len(set(expected) & set(found)) >= 0.8 * len(set(expected)), hypothesis.text
        assert hypothesis.no_speech < 0.5
        assert hypothesis.words == ()


def test_what_is_said_is_heard_without_matrix_units_too(engine, turns):
    everywhere = WhisperEngine.load(find_weights(BUNDLED), device=Device(compute_type="int8"))
    for text, window in turns:
        for either in (engine, everywhere):
            (heard,) = either.transcribe([window], FULL, word_times=True)
            expected, found = set(words_of(text)), set(words_of(heard.text))
            assert len(expected & found) >= 0.8 * len(expected), heard.text


def test_a_model_that_only_ctranslate2_can_read_is_heard_all_the_same(turns, monkeypatch):
    pytest.importorskip("openvino", reason="openvino is installed on x86-64 Linux only")
    monkeypatch.setattr(whisper_model, "matrix_units", lambda: True)
    monkeypatch.setattr(ctranslate2_weights, "_VERSION", 7)
    with capture_logs() as logs:
        engine = WhisperEngine.load(find_weights(BUNDLED))
    assert ["its version is 6" in log["error"] for log in logs] == [True]
    (heard,) = engine.transcribe([turns[0][1]], FULL, word_times=False)
    assert words_of(heard.text) == words_of(turns[0][0])


def test_fast_speech_is_heard_to_its_end_in_any_company(engine, said):
    text, samples = said[3]
    fast = features(soxr.resample(samples, 16, 10))
    (alone,) = engine.transcribe([fast], BUSY, word_times=False)
    beside, _ = engine.transcribe([fast, np.zeros((990, 80), np.float16)], BUSY, word_times=False)
    assert words_of(alone.text)[-2:] == words_of(text)[-2:]
    assert alone.text == beside.text


def test_words_have_times_within_the_window(engine, turns):
    windows = [window for _, window in turns]
    for window, hypothesis in zip(windows, engine.transcribe(windows, BUSY, word_times=True), strict=True):
        assert " ".join(word.text for word in hypothesis.words) == hypothesis.text
        times = [time for word in hypothesis.words for time in (word.start_s, word.end_s)]
        assert times == sorted(times)
        assert 0 <= times[0] < times[-1] <= len(window) / 100
        assert all(0 < word.probability <= 1 for word in hypothesis.words)


def test_a_word_is_where_it_is_heard(engine, turns):
    """With two seconds of silence before it, every word comes two seconds later."""
    _, window = turns[0]
    later = np.concatenate([np.full((200, 80), -6, np.float16), window])
    (one,) = engine.transcribe([window], BUSY, word_times=True)
    (other,) = engine.transcribe([later], BUSY, word_times=True)
    assert [word.text for word in one.words] == [word.text for word in other.words]
    moved = [b.end_s - a.end_s for a, b in zip(one.words, other.words, strict=True)]
    assert moved == pytest.approx([2.0] * len(moved), abs=0.3)


def test_the_company_of_a_window_does_not_change_its_text(engine, turns):
    windows = [window for _, window in turns]
    together = engine.transcribe(windows, BUSY, word_times=False)
    alone = [engine.transcribe([window], BUSY, word_times=False)[0] for window in windows]
    assert [hypothesis.text for hypothesis in together] == [hypothesis.text for hypothesis in alone]


@pytest.mark.parametrize("settings", [FULL, PARTIAL])
def test_a_batch_divided_among_threads_is_heard_as_in_one_piece(engine, turns, settings):
    divided = WhisperEngine.load(find_weights(BUNDLED), device=Device(abreast=2))
    windows = [window for _, window in turns[:3]]
    whole, parts = (one.transcribe(windows, settings, word_times=True) for one in (engine, divided))
    assert [heard.text for heard in parts] == [heard.text for heard in whole]
    assert all(heard.words for heard in parts)


@pytest.mark.parametrize("settings", [FULL, PARTIAL])
def test_nothing_is_invented_where_nothing_is_said(engine, settings):
    rng = np.random.default_rng(1)
    noises = [
        np.zeros(16_000, np.int16),
        *(rng.normal(0, level, 48_000).astype(np.int16) for level in (3, 300)),
    ]
    heard = engine.transcribe([features(noise) for noise in noises], settings, word_times=True)
    assert [(hypothesis.text, hypothesis.words) for hypothesis in heard] == [("", ())] * 3


@pytest.mark.parametrize("shape", [(3001, 80), (100, 128), (80,)])
def test_windows_it_cannot_take_are_named(engine, shape):
    with pytest.raises(EngineError, match=r"a window of shape"):
        engine.transcribe([np.zeros(shape, np.float16)], BUSY, word_times=False)


def test_no_windows_and_empty_windows_are_no_text(engine):
    assert engine.transcribe([], BUSY, word_times=True) == []
    (nothing,) = engine.transcribe([np.zeros((0, 80), np.float16)], BUSY, word_times=True)
    assert nothing.text == ""


def test_weights_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(EngineError, match=f"cannot load Whisper from {tmp_path}"):
        WhisperEngine.load(tmp_path)


class ScriptedModel:
    """Decodes what the test wrote, and remembers the context of each batch in seconds."""

    mels = 80
    squeezed = 0

    def __init__(self, tokenizer, *script):
        self.tokenizer = tokenizer
        self.script = deque(script)
        self.contexts_s = []

    def encode(self, windows, frames):
        self.contexts_s.append(frames / 100)

    def decode(self, encoded, *, windows, bound, beam):
        return [self.script.popleft() for _ in range(windows)]

    def align(self, encoded, texts, frames):
        """Tokens spread evenly over the frames, the `squeezed` last ones all at the last step."""
        return [
            SimpleNamespace(
                alignments=[(i, self._step(i, len(text), end)) for i in range(len(text) + 1)],
                text_token_probs=[0.5] * len(text),
            )
            for text, end in zip(texts, frames, strict=True)
        ]

    def _step(self, i, tokens, end):
        return end // 2 - 1 if i >= tokens - self.squeezed else i * end // 2 // (tokens + 1)


@pytest.fixture
def scripted(model):
    """Builds an engine that decodes texts with `<1.5>` for timestamps."""
    tokenizer = model.tokenizer

    def tokens(text):
        parts = text.replace("<", "\0<").replace(">", ">\0").split("\0")
        return [
            token
            for part in parts
            for token in (
                [tokenizer.timestamp_begin + round(float(part[1:-1]) / 0.02)]
                if part.startswith("<")
                else tokenizer.encode(part)
            )
        ]

    def build(*script):
        decoded = [
            Decoded(tokens(entry), -0.3, 0.1)
            if isinstance(entry, str)
            else Decoded(tokens(entry[0]), *entry[1:])
            for entry in script
        ]
        scripted_model = ScriptedModel(tokenizer, *decoded)
        return scripted_model, WhisperEngine(scripted_model)

    return build


def loud(seconds):
    return np.zeros((int(seconds * 100), 80), np.float16)


def test_what_breaks_off_is_taken_up_where_it_did(scripted):
    model, engine = scripted("<0.00> One two three.<4.00><4.00> Four", "<0.00> three. Four five six.<3.00>")
    (heard,) = engine.transcribe([loud(8)], BUSY, word_times=True)
    assert heard.text == "One two three. Four five six."
    assert [word.text for word in heard.words] == heard.text.split()
    assert heard.words[2].end_s <= 4.0 <= heard.words[3].start_s
    assert model.contexts_s == [12, 12]


def test_a_partial_is_not_taken_up(scripted):
    model, engine = scripted("<0.00> One two three.<4.00><4.00> Four")
    (heard,) = engine.transcribe([loud(4.5)], PARTIAL, word_times=False)
    assert heard.text == "One two three. Four"
    assert model.contexts_s == [7]


def test_silence_after_the_text_is_not_listened_to_again(scripted):
    window = np.concatenate([loud(4), np.full((300, 80), -6, np.float16)])
    model, engine = scripted("<0.00> One two three.<4.00><4.00>")
    assert engine.transcribe([window], BUSY, word_times=False)[0].text == "One two three."
    assert len(model.contexts_s) == 1


def test_going_round_in_circles_is_tried_again_with_the_full_context(scripted):
    round_and_round = "<0.00> I said so, I said so, I said so, I said so,<3.00>"
    model, engine = scripted(
        "<0.00> Hello there.<2.00>", round_and_round, "<0.00> I said so, and that was it.<4.00>"
    )
    first, second = engine.transcribe([loud(4), loud(4)], BUSY, word_times=False)
    assert (first.text, second.text) == ("Hello there.", "I said so, and that was it.")
    assert model.contexts_s == [12, 30]


def test_what_keeps_going_round_is_said_once(scripted):
    endless = "<0.00> Well" + " I said so," * 20
    _, engine = scripted(endless, endless)
    (heard,) = engine.transcribe([loud(4)], BUSY, word_times=True)
    assert heard.text == "Well I said so,"
    assert [word.text for word in heard.words] == heard.text.split()


@pytest.mark.parametrize(("squeezed", "left"), [(0, 8), (1, 8), (2, 6), (4, 4)])
def test_words_put_behind_the_end_of_the_audio_are_taken_off(scripted, squeezed, left):
    said = "One two three four five six seven eight"
    model, engine = scripted(f"<0.00> {said}")
    model.squeezed = squeezed
    (heard,) = engine.transcribe([loud(4)], PARTIAL, word_times=True)
    assert heard.text == " ".join(said.split()[:left])
    assert [word.text for word in heard.words] == heard.text.split()


def test_circles_behind_the_end_of_the_audio_are_no_reason_to_try_again(scripted):
    model, engine = scripted("<0.00> One two three four" + " I said so," * 4)
    model.squeezed = 16
    (heard,) = engine.transcribe([loud(4)], BUSY, word_times=True)
    assert heard.text == "One two three four"
    assert model.contexts_s == [12]


def test_no_text_is_longer_than_speech_can_be(scripted):
    endless = "<0.00> " + " ".join(f"word{i}" for i in range(60))
    _, engine = scripted(endless, endless)
    (heard,) = engine.transcribe([loud(1)], BUSY, word_times=False)
    assert 1 <= len(heard.text.split()) <= 15


@pytest.mark.parametrize(
    ("log_probability", "no_speech", "believed"),
    [(-1.1, 0.7, False), (-0.8, 0.9, False), (-2.1, 0.35, False), (-0.4, 0.7, True), (-1.5, 0.3, True)],
)
def test_the_less_likely_a_text_the_less_doubt_suffices(scripted, log_probability, no_speech, believed):
    _, engine = scripted(("<0.00> Thank you.<1.00>", log_probability, no_speech))
    (heard,) = engine.transcribe([loud(2)], BUSY, word_times=False)
    assert bool(heard.text) is believed


def test_a_sure_circle_on_noise_is_not_believed(scripted):
    circle = ("<0.00> I'm so sorry. I'm so sorry. I'm so sorry.<2.00>", -0.3, 0.7)
    _, engine = scripted(circle, circle)
    assert engine.transcribe([loud(4)], BUSY, word_times=False)[0].text == ""


def test_full_stops_alone_are_no_text(scripted):
    _, engine = scripted("<0.00> . . .<1.00>")
    (heard,) = engine.transcribe([loud(2)], BUSY, word_times=True)
    assert (heard.text, heard.words) == ("", ())
