import json

import numpy as np
import pytest

from common.errors import EngineError
from workers.engines.speech import DecodeSettings
from workers.engines.wav2vec2 import Wav2Vec2Engine

pytestmark = pytest.mark.torch

LABELS = ("-", "|", "E", "T", "A", "O", "N")
SETTINGS = DecodeSettings(context_s=12, beam=1)
ARCHITECTURE = {
    "extractor_mode": "group_norm",
    "extractor_conv_layer_config": [(16, 10, 5), *[(16, 3, 2)] * 4, *[(16, 2, 2)] * 2],
    "extractor_conv_bias": False,
    "encoder_embed_dim": 16,
    "encoder_projection_dropout": 0.0,
    "encoder_pos_conv_kernel": 8,
    "encoder_pos_conv_groups": 4,
    "encoder_num_layers": 2,
    "encoder_num_heads": 4,
    "encoder_attention_dropout": 0.0,
    "encoder_ff_interm_features": 32,
    "encoder_ff_interm_dropout": 0.0,
    "encoder_dropout": 0.0,
    "encoder_layer_norm_first": False,
    "encoder_layer_drop": 0.0,
    "aux_num_out": len(LABELS),
}


def save_model(folder, **changed):
    """A small wav2vec2 with random weights, as `load` wants it; gives its folder's name."""
    torch = pytest.importorskip("torch", reason="needs hubbub[torch]")
    models = pytest.importorskip("torchaudio.models", reason="needs hubbub[torch]")
    torch.manual_seed(3)
    architecture = ARCHITECTURE | changed
    model = models.wav2vec2_model(**architecture)
    torch.nn.init.normal_(model.aux.weight, std=2.0)
    torch.nn.init.constant_(model.aux.bias[:2], -2.0)  # letters often enough
    torch.save(model.state_dict(), folder / "weights.pt")
    normalizes = architecture["extractor_mode"] == "layer_norm"
    config = {"model": architecture, "labels": LABELS, "normalize_waveform": normalizes}
    (folder / "config.json").write_text(json.dumps(config))
    return str(folder)


@pytest.fixture(scope="module", params=["group_norm", "layer_norm"])
def engine(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wav2vec2")
    return Wav2Vec2Engine.load(save_model(folder, extractor_mode=request.param))


def buzz(samples, seed):
    rng = np.random.default_rng(seed)
    t = np.arange(samples) / 16_000
    voice = np.sin(2 * np.pi * (150 + 40 * seed) * t) * np.sin(2 * np.pi * 3 * t)
    return (8000 * voice + 500 * rng.standard_normal(samples)).astype(np.int16)


def test_the_company_of_a_window_does_not_change_its_text(engine):
    windows = [buzz(16_000, 1), buzz(41_234, 2), buzz(9_000, 3), buzz(48_000, 4)]
    together = engine.transcribe(windows, SETTINGS, word_times=True)
    alone = [engine.transcribe([window], SETTINGS, word_times=True)[0] for window in windows]
    assert any(hypothesis.text for hypothesis in together)
    for one, other in zip(together, alone, strict=True):
        assert one.text == other.text
        assert one.log_probability == pytest.approx(other.log_probability, abs=1e-4)


def test_words_lie_within_the_window_in_order(engine):
    (hypothesis,) = engine.transcribe([buzz(32_000, 5)], SETTINGS, word_times=True)
    times = [time for word in hypothesis.words for time in (word.start_s, word.end_s)]
    assert hypothesis.text == " ".join(word.text for word in hypothesis.words)
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] <= 2.0


def test_word_times_come_only_when_asked_for(engine):
    (hypothesis,) = engine.transcribe([buzz(32_000, 5)], SETTINGS, word_times=False)
    assert hypothesis.text
    assert hypothesis.words == ()


def test_windows_shorter_than_a_frame_are_heard_as_well(engine):
    nothing, blink = engine.transcribe([np.zeros(0, np.int16), buzz(100, 1)], SETTINGS, word_times=True)
    assert len(nothing.words) <= 1
    assert len(blink.words) <= 1


def test_what_cannot_be_loaded_says_why(tmp_path):
    folder = save_model(tmp_path)
    (tmp_path / "weights.pt").write_bytes(b"not a state dict")
    with pytest.raises(EngineError, match="cannot load wav2vec2 from"):
        Wav2Vec2Engine.load(folder)
    with pytest.raises(EngineError, match="cannot load wav2vec2 from NO_SUCH_BUNDLE"):
        Wav2Vec2Engine.load("NO_SUCH_BUNDLE")


def test_half_precision_hears_what_full_precision_hears(tmp_path):
    folder = save_model(tmp_path, extractor_mode="layer_norm")
    windows = [buzz(16_000, 1), buzz(41_234, 2)]
    full, half = (
        Wav2Vec2Engine.load(folder, precision=precision).transcribe(windows, SETTINGS, word_times=True)
        for precision in ("float32", "float16")
    )
    for one, other in zip(full, half, strict=True):
        assert one.log_probability == pytest.approx(other.log_probability, abs=0.05)


def test_each_window_is_scaled_by_itself(tmp_path):
    engine = Wav2Vec2Engine.load(save_model(tmp_path, extractor_mode="layer_norm"))
    quiet = buzz(16_000, 1)
    (one,) = engine.transcribe([quiet // 8 * 8], SETTINGS, word_times=False)
    (other,) = engine.transcribe([quiet // 8], SETTINGS, word_times=False)
    assert one.text == other.text
    assert one.log_probability == pytest.approx(other.log_probability, abs=0.02)
