"""Settings of the pools that listen."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from common.settings.section import Section


class VadSettings(Section):
    """What counts as speech, and where an utterance ends."""

    mode: int = Field(1, ge=0, le=3, description="How readily webrtcvad drops a frame; 3 drops the most.")
    silero: Literal["auto", "on", "off"] = Field(
        "auto", description="Silero behind webrtcvad; auto: where hubbub[local] is installed."
    )
    enter_probability: float = Field(0.3, gt=0, lt=1, description="Silero's, at which speech begins.")
    stay_probability: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="Silero's, at which speech goes on where it stands out of the background.",
    )
    weak_probability: float = Field(
        0.5, gt=0, lt=1, description="Silero's, at which speech goes on where it does not stand out."
    )
    min_speech_ms: int = Field(90, ge=20, le=1000, description="Less speech than this opens no utterance.")
    preroll_ms: int = Field(400, ge=0, le=1000, description="Audio before the first speech that goes along.")
    tail_ms: int = Field(240, ge=0, le=1000, description="Silence behind the last speech that goes along.")
    endpoint_ms: int = Field(250, ge=100, le=5000, description="Silence that ends an utterance.")
    max_utterance_ms: int = Field(
        15_000,
        ge=3000,
        le=28_000,
        description="At the latest here an utterance is split, if it can at a pause.",
    )
    quiet_source_ms: int = Field(
        1500, ge=300, le=30_000, description="A source that sends nothing for this long closes its utterance."
    )


class AsrSettings(Section):
    """How features are cut into windows. Which features they are follows from the emitter's engine."""

    window_ms: int = Field(
        100, ge=40, le=1000, description="Audio of one window; the emitter decides which ones to transcribe."
    )
    first_partial_ms: int = Field(
        400, ge=100, le=5000, description="Speech that an utterance must hold for its first partial."
    )
    patience_s: int = Field(
        60, ge=5, le=600, description="An utterance whose end never comes is finished after this silence."
    )


class EmitterSettings(Section):
    """The models and how they are driven."""

    engine: Literal["whisper", "wav2vec2"] = "whisper"
    model: str = Field(
        "bundled", description="`bundled` (tiny.en, no network), a folder, or a name on the model hub."
    )
    small_model: str | None = Field(
        None, description="A cheaper one for finals where service is reduced to finals; same mel bands."
    )
    mels: Literal[80, 128] = Field(80, description="Mel bands Whisper was trained on; large-v3 has 128.")
    device: Literal["cpu", "cuda"] = "cpu"
    compute_type: str = Field(
        "auto",
        description="Number type of the weights, as CTranslate2 names them; auto: int8, and bfloat16 for "
        "the encoder where the processor has matrix units for it (AMX).",
    )
    threads: int = Field(1, ge=1, le=64, description="Processor threads of one forward pass.")
    abreast: int = Field(
        2, ge=1, le=64, description="Parts of a batch computed at the same time, each with so many threads."
    )
    quality: Literal["auto", "full", "busy"] = Field(
        "auto",
        description="`auto` follows the load; `full` and `busy` pin it: the same audio, the same text.",
    )
    max_batch: int = Field(8, ge=1, le=256, description="Windows in one forward pass.")
    batch_ms: int = Field(
        700, ge=10, le=10_000, description="Predicted time up to which windows join a forward pass."
    )
    partial_ms: int = Field(
        200,
        ge=100,
        le=30_000,
        description="New speech for which an utterance gets a partial, at full service.",
    )
    final_ms: int = Field(
        250,
        ge=10,
        le=60_000,
        description="Predicted time of all that is due, up to which finals have a wide beam.",
    )
    drafts: bool = Field(
        default=True, description="At full service, compute the final at every pause that may be the end."
    )
    budget_ms: int = Field(
        3000, ge=50, le=60_000, description="Service is reduced when the finals that wait would take longer."
    )
    calm_ms: int = Field(
        5000, ge=100, le=600_000, description="A meeting's service is raised at most once in so long."
    )
    priorities: dict[str, int] = Field(
        default_factory=dict,
        description="Pattern of tenant/meeting to priority (higher first; else 0) when service is reduced.",
    )
    patience_s: int = Field(
        60, ge=5, le=600, description="An utterance whose final window never comes is finished after this."
    )


class PhraseSettings(Section):
    """A phrase to listen for."""

    text: str = Field(min_length=2, max_length=80)
    category: str = Field("custom", min_length=1, max_length=40)
    also: tuple[str, ...] = Field((), max_length=8, description="Other wordings that count as the phrase.")
    threshold: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description="Likelihood ratio from which the spotter proposes it; 0 follows from its length.",
    )


class KeywordSettings(Section):
    """Phrases to listen for, and how candidates are verified."""

    phrases: tuple[PhraseSettings, ...] = Field(
        (), description="Instead of a file; with neither, the default meeting phrases."
    )
    phrases_file: Path | None = Field(None, description="TOML with [[phrases]] tables.")
    model: str = Field(
        "bundled", description="The verifier: `bundled` (tiny.en), a folder, or a name on the model hub."
    )
    device: Literal["cpu", "cuda"] = "cpu"
    compute_type: str = Field(
        "auto",
        description="Number type of the weights, as CTranslate2 names them; auto: int8, and bfloat16 for "
        "the encoder where the processor has matrix units for it (AMX).",
    )
    threads: int = Field(1, ge=1, le=64, description="Processor threads of one verification.")
    quality: Literal["auto", "full"] = Field(
        "auto", description="`auto` listens to fewer utterances when it falls behind; `full` to all."
    )
    budget_ms: int = Field(
        400, ge=50, le=60_000, description="Predicted delay beyond which fewer utterances are listened to."
    )
    max_batch: int = Field(8, ge=1, le=64, description="Candidates verified in one forward pass.")
    max_utterances: int = Field(
        128, ge=1, le=4096, description="Utterances listened to at once; each takes a decoder of 6 MB."
    )
    patience_s: int = Field(
        15, ge=5, le=600, description="An utterance that gets no more audio is given up after this."
    )


class SentimentSettings(Section):
    """Polarity, tone and mood."""

    engine: Literal["vader", "sst2"] = Field(
        "vader", description="`vader` reads by a lexicon; `sst2` is DistilBERT and needs hubbub[torch]."
    )
    sst2_model: str = Field(
        "distilbert/distilbert-base-uncased-finetuned-sst-2-english",
        description="A folder, or a name on the model hub.",
    )
    half_life_s: float = Field(
        30, ge=1, le=3600, description="An utterance of so long ago weighs half as much in a mood."
    )
    remembered_utterances: int = Field(
        16, ge=2, le=256, description="Tones and texts of a track that its baseline and mood rest on."
    )
    patience_s: int = Field(
        60, ge=5, le=600, description="An utterance whose end never comes is finished after this silence."
    )
    idle_s: int = Field(1800, ge=60, le=86_400, description="A track silent for so long is forgotten.")
