import pytest
from pipeline import ANNA, Shard, transcript

from common.errors import EngineError
from common.settings import SentimentSettings, Settings
from common.stage import Stream
from workers.sentiment.pool import build


def test_a_built_stage_reads_english() -> None:
    pytest.importorskip("vaderSentiment")
    shard = Shard()
    shard.stage = build(Settings())
    shard.put(transcript(ANNA, 0, 1000, "This is wonderful news!"))
    shard.run()
    assert shard.sentiments()[0].polarity > 0.5
    assert shard.stage.inputs == (Stream.SPEECH, Stream.RESULTS)


def test_an_engine_that_is_not_there_is_named() -> None:
    settings = Settings(sentiment=SentimentSettings(engine="sst2", sst2_model="/no/such/folder"))
    with pytest.raises(EngineError, match=r"hubbub\[torch\]|/no/such/folder"):
        build(settings)
