import numpy as np
import pytest
from voices import noise, silence, voice

from workers.sentiment.prosody import Contour, Prosody, analyse, summarise


def heard(pcm: bytes, *, step: int = 3200) -> Prosody:
    contour = Contour()
    for at in range(0, len(pcm), step):
        contour.feed(pcm[at : at + step])
    prosody = contour.prosody()
    assert prosody is not None
    return prosody


@pytest.mark.parametrize("pitch_hz", [72, 80, 101, 150, 223, 310, 384])
def test_pitch_of_a_voice_is_found_within_half_a_percent(pitch_hz: float) -> None:
    prosody = heard(voice(1.0, pitch_hz=pitch_hz))
    assert prosody.pitch_hz == pytest.approx(pitch_hz, rel=0.005)
    assert prosody.pitch_range_hz < 0.02 * pitch_hz


@pytest.mark.parametrize("pitch_hz", [75, 180, 320])
def test_pitch_survives_noise_six_decibels_below(pitch_hz: float) -> None:
    clean, hiss = voice(2.0, pitch_hz=pitch_hz, level_db=-22), noise(2.0, level_db=-28)
    mixed = np.frombuffer(clean, "<i2") + np.frombuffer(hiss, "<i2")
    assert heard(mixed.tobytes()).pitch_hz == pytest.approx(pitch_hz, rel=0.02)


def test_range_spans_what_the_voice_sang() -> None:
    prosody = heard(voice(1.0, pitch_hz=100) + voice(1.0, pitch_hz=150) + voice(1.0, pitch_hz=200))
    assert prosody.pitch_hz == pytest.approx(150, rel=0.02)
    assert prosody.pitch_range_hz == pytest.approx(100, rel=0.03)


def test_noise_has_no_pitch() -> None:
    prosody = heard(noise(1.0))
    assert prosody.pitch_hz == 0
    assert prosody.pitch_range_hz == 0


@pytest.mark.parametrize("level_db", [-50, -35, -12])
def test_energy_is_the_level_of_the_speech_alone(level_db: float) -> None:
    padded = silence(0.4) + voice(1.0, level_db=level_db) + silence(0.8)
    assert heard(padded).energy_db == pytest.approx(level_db, abs=0.7)


def test_zero_crossings_of_a_tone_are_twice_its_frequency() -> None:
    t = np.arange(16_000) / 16_000
    tone = (8000 * np.sin(2 * np.pi * 250 * t + 0.3)).astype("<i2").tobytes()
    assert heard(tone).zero_crossing_rate == pytest.approx(500, rel=0.03)


@pytest.mark.parametrize("rate", [2.0, 4.0, 6.0])
def test_rate_counts_syllables_per_second_of_speech(rate: float) -> None:
    assert heard(voice(4.0, syllables_per_s=rate)).rate == pytest.approx(rate, rel=0.1)


def test_a_pause_does_not_slow_the_rate() -> None:
    halves = voice(2.0, syllables_per_s=4) + silence(1.5) + voice(2.0, syllables_per_s=4)
    assert heard(halves).rate == pytest.approx(4.0, rel=0.1)


def test_unvoiced_bursts_are_no_syllables() -> None:
    bursts = b"".join(noise(0.1) + silence(0.1) for _ in range(10))
    assert heard(bursts).rate == 0


def test_figures_do_not_depend_on_how_the_audio_arrived() -> None:
    audio = voice(1.3, pitch_hz=140, syllables_per_s=3) + noise(0.31)
    assert heard(audio, step=640) == heard(audio, step=6402) == heard(audio, step=len(audio))


def test_no_frame_is_missed_or_heard_twice_between_blocks() -> None:
    audio = voice(1.3, pitch_hz=140, syllables_per_s=3)
    assert heard(audio) == summarise(analyse(np.frombuffer(audio, "<i2")))


@pytest.mark.parametrize("audio", [b"", silence(2.0), voice(0.05), voice(0.12)])
def test_too_little_sound_has_no_tone(audio: bytes) -> None:
    contour = Contour()
    contour.feed(audio)
    assert contour.prosody() is None
