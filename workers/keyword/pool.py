"""Puts the keyword stage together."""

import math

import structlog

from common.audio import BYTES_PER_SAMPLE, SAMPLE_RATE
from common.settings import KeywordSettings, Settings
from common.stage import Stage
from workers.engines.pocketsphinx import Pronunciations, Spottable, Spotter
from workers.engines.speech import SpeechEngine
from workers.engines.whisper import Device, WhisperEngine
from workers.engines.whisper_weights import find_weights
from workers.keyword.listening import Candidate, Inquiry
from workers.keyword.matching import Matcher
from workers.keyword.phrases import Phrase, load_phrases
from workers.keyword.reading import Reader
from workers.keyword.sounds import Pronounce, ways_to_say
from workers.keyword.stage import KeywordStage, Limits
from workers.keyword.verifier import Verifier
from workers.keyword.wording import spoken_words

_SILENCE = Inquiry("", 0, bytes(2 * SAMPLE_RATE * BYTES_PER_SAMPLE), (Candidate("", 0, 0),))
_EXPONENTS = {4: -5.0, 5: -18.0, 6: -25.0, 7: -30.0, 8: -33.0}
_FLOOR = -40.0


def build(settings: Settings) -> Stage:
    """Load the models, and warm them up. Raises SettingsError and EngineError."""
    section = settings.keyword
    device = Device(section.device, section.compute_type, section.threads)
    engine = WhisperEngine.load(find_weights(section.model), device=device)
    return assemble(section, engine, mels=engine.mels)


def assemble(section: KeywordSettings, engine: SpeechEngine, *, mels: int) -> KeywordStage:
    """The stage with this engine to verify candidates, warmed up."""
    phrases = load_phrases(section)
    pronounce = Pronunciations().of
    spotter = Spotter(spottable(phrases, pronounce))
    spotter.warm_up()
    matcher = Matcher(phrases, pronounce)
    verifier = Verifier(engine, matcher, mels=mels)
    verifier.answer([_SILENCE])
    limits = Limits(
        batch=section.max_batch,
        waiting=16 * section.max_batch,
        listening=section.max_utterances,
        patience_ms=section.patience_s * 1000,
    )
    return KeywordStage(phrases, spotter, verifier, Reader(matcher), limits=limits)


def spottable(phrases: tuple[Phrase, ...], pronounce: Pronounce) -> dict[str, Spottable]:
    """What the spotter listens for; a phrase with a word of unknown sound is only read."""
    chosen: dict[str, Spottable] = {}
    for phrase in phrases:
        words = spoken_words(phrase.text)
        unknown = [word for word in words if not pronounce(word)]
        if unknown:
            structlog.get_logger().warning("phrase_not_spotted", phrase=phrase.text, unknown=unknown)
            continue
        ways = tuple(ways_to_say(words, pronounce))
        chosen[phrase.text] = Spottable(ways, phrase.threshold or threshold(min(map(len, ways))))
    return chosen


def threshold(phones: int) -> float:
    """Short phrases sound like parts of others, so they must fit better than long ones.

    Chosen (benchmarks/keywords.py) so that nearly all is found, and that each phrase proposes
    fewer than a hundred false candidates per hour of other speech.
    """
    exponent = _EXPONENTS.get(max(phones, min(_EXPONENTS)), _FLOOR)
    return math.pow(10.0, exponent)
