"""Puts the keyword stage together."""

import math
from collections.abc import Callable

import structlog

from common.audio import BYTES_PER_SAMPLE, SAMPLE_RATE
from common.identity import Meeting
from common.priorities import priorities
from common.settings import KeywordSettings, Settings
from common.stage import Stage
from workers.engines.cmudict import Pronunciations
from workers.engines.phrase_scoring import PhraseScorer
from workers.engines.spotter import Spottable, Spotter
from workers.engines.whisper import Device, WhisperEngine
from workers.engines.whisper_model import WhisperModel
from workers.engines.whisper_weights import find_weights
from workers.keyword.attention import Rules
from workers.keyword.inquiries import Bounds
from workers.keyword.listening import TAILS, Candidate, Inquiry
from workers.keyword.matching import Matcher
from workers.keyword.phrases import Phrase, load_phrases
from workers.keyword.reading import Reader
from workers.keyword.sounds import Pronounce, ways_to_say
from workers.keyword.stage import KeywordStage, Limits
from workers.keyword.verifier import Verification, Verifier
from workers.keyword.wording import spoken_words

_SILENCE = bytes(2 * SAMPLE_RATE * BYTES_PER_SAMPLE)
_EXPONENTS = {4: -2.0, 5: -7.0, 6: -10.0, 7: -12.0, 8: -13.0}
_FLOOR = -16.0


def build(settings: Settings) -> Stage:
    """Load the models, and warm them up. Raises SettingsError and EngineError."""
    section = settings.keyword
    device = Device(section.device, section.compute_type, section.threads)
    model = WhisperModel.load(find_weights(section.model), device=device, language="en")
    verification = Verification(PhraseScorer(model), WhisperEngine(model), model.mels)
    return assemble(section, verification, priorities(settings.emitter.priorities))


def assemble(section: KeywordSettings, by: Verification, priority: Callable[[Meeting], int]) -> KeywordStage:
    """The stage, its models warmed up."""
    phrases = load_phrases(section)
    pronounce = Pronunciations().of
    spotter = Spotter.load(spottable(phrases, pronounce))
    matcher = Matcher(phrases, pronounce)
    verifier = Verifier(by, matcher)
    candidate = Candidate(phrases[0].text, 0, SAMPLE_RATE)
    for look in TAILS:
        verifier.answer([Inquiry("", 0, _SILENCE, (candidate,), look)])
    return KeywordStage(spotter, verifier, Reader(matcher), limits=limits(section, priority))


def limits(section: KeywordSettings, priority: Callable[[Meeting], int]) -> Limits:
    """With the quality pinned nothing is skipped for its time."""
    pinned = section.quality == "full"
    budget_ms = math.inf if pinned else section.budget_ms
    return Limits(
        attention=Rules(section.max_utterances, budget_ms, priority),
        inquiries=Bounds(section.max_batch, 16 * section.max_batch, 10 * budget_ms),
        patience_ms=section.patience_s * 1000,
    )


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
