"""What a sentiment process runs."""

from common.settings import SentimentSettings, Settings
from workers.engines.sst2 import Sst2
from workers.engines.vader import Vader
from workers.sentiment.stage import SentimentStage, TextEngine


def build(settings: Settings) -> SentimentStage:
    """The stage with its engine loaded and warm. Raises EngineError."""
    engine = _engine(settings.sentiment)
    engine.polarities(["This works well."])
    return SentimentStage(settings.sentiment, engine)


def _engine(settings: SentimentSettings) -> TextEngine:
    return Sst2.load(settings.sst2_model) if settings.engine == "sst2" else Vader.load()
