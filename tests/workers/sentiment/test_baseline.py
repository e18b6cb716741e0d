from dataclasses import replace

import pytest
from voices import voice

from common.results import Tone
from workers.sentiment.baseline import MAX_Z, Population, arousal, tone, z_score
from workers.sentiment.prosody import Contour, Prosody

CALM = Prosody(pitch_hz=120, pitch_range_hz=30, energy_db=-30, zero_crossing_rate=900, rate=3.5)
PEOPLE = Population(mean=0.0, between=5.0, within=1.0)


def usual(count: int = 10) -> list[Tone]:
    """Utterances of a speaker who varies a little around CALM."""
    tones: list[Tone] = []
    for i in range(count):
        wobble = (-1) ** i * (1 + i % 3) / 3
        said = replace(CALM, pitch_hz=120 + 8 * wobble, energy_db=-30 + 2 * wobble, rate=3.5 + 0.5 * wobble)
        tones.append(tone(said, tones))
    return tones


@pytest.mark.parametrize(
    "change", [{"pitch_hz": 160}, {"energy_db": -22}, {"rate": 5.5}], ids=["higher", "louder", "faster"]
)
def test_each_of_higher_louder_faster_is_more_aroused(change: dict[str, float]) -> None:
    before = usual()
    assert arousal(tone(replace(CALM, **change), before)) > arousal(tone(CALM, before)) + 0.1


def test_as_usual_is_in_the_middle() -> None:
    assert arousal(tone(CALM, usual())) == pytest.approx(0.5, abs=0.08)


def test_everything_at_once_is_near_the_end_of_the_scale() -> None:
    shout = tone(replace(CALM, pitch_hz=220, energy_db=-15, rate=6), usual())
    mumble = tone(replace(CALM, pitch_hz=90, energy_db=-42, rate=1.5), usual())
    assert arousal(shout) > 0.9
    assert arousal(mumble) < 0.1


def test_a_shout_stands_out_against_the_speakers_own_voice_not_against_people() -> None:
    """A quiet speaker who raises the voice is aroused, though most people always talk so loud."""
    quiet: list[Tone] = []
    for i in range(8):
        quiet.append(tone(replace(CALM, energy_db=-45 + i % 2), quiet))
    raised = replace(CALM, energy_db=-35)
    assert tone(raised, quiet).energy_z > 2
    assert tone(raised, []).energy_z < 0


def test_the_first_utterance_is_judged_mildly() -> None:
    loud = replace(CALM, energy_db=-20)
    assert abs(tone(loud, []).energy_z) < 1 < tone(loud, usual()).energy_z


def test_one_outburst_does_not_move_the_baseline() -> None:
    outburst = tone(replace(CALM, pitch_hz=350, energy_db=-5, rate=9), usual())
    calm, after = tone(CALM, usual()), tone(CALM, [*usual(), outburst])
    assert arousal(after) == pytest.approx(arousal(calm), abs=0.1)


def test_a_voiceless_utterance_says_nothing_about_pitch() -> None:
    whisper = tone(replace(CALM, pitch_hz=0, pitch_range_hz=0), usual())
    assert whisper.pitch_z == 0
    assert tone(CALM, [*usual(), whisper]).pitch_z == tone(CALM, usual()).pitch_z


def test_scores_are_bounded() -> None:
    assert z_score(1000, [0.0] * 20, PEOPLE) == MAX_Z
    assert z_score(-1000, [0.0] * 20, PEOPLE) == -MAX_Z


def test_without_history_the_score_is_that_among_people() -> None:
    assert z_score(10, [], PEOPLE) == pytest.approx(10 / (5**2 + 1) ** 0.5)


def test_a_long_history_outweighs_the_people() -> None:
    assert z_score(21, [19.0, 21.0] * 50, PEOPLE) == pytest.approx(1 / 1.4826, rel=0.1)


def test_a_real_voice_raised_is_more_aroused() -> None:
    def said(**how: float) -> Prosody:
        contour = Contour()
        contour.feed(voice(2.0, **how))
        prosody = contour.prosody()
        assert prosody is not None
        return prosody

    before: list[Tone] = []
    for pitch_hz in (115, 120, 125, 118):
        before.append(tone(said(pitch_hz=pitch_hz, level_db=-30, syllables_per_s=3.5), before))
    levels = [
        arousal(tone(said(pitch_hz=p, level_db=e, syllables_per_s=r), before))
        for p, e, r in [(100, -36, 2.5), (120, -30, 3.5), (150, -24, 4.5), (200, -18, 5.5)]
    ]
    assert levels == sorted(levels)
    assert levels[-1] - levels[0] > 0.6
