"""DistilBERT's architecture with few and random weights: what it says is noise, but it is said right."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
import transformers

from common.errors import EngineError
from workers.engines.sst2 import MAX_TOKENS, Sst2

pytestmark = pytest.mark.torch

TEXTS = ["this is good", "bad", "this is neither good nor bad " * 60, ""]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the hub would give it."""
    folder = tmp_path_factory.mktemp("sst2")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "this", "is", "good", "bad", "neither", "nor"]
    (folder / "vocab.txt").write_text("\n".join(words))
    tokenizer = transformers.DistilBertTokenizerFast(vocab=str(folder / "vocab.txt"))
    config = transformers.DistilBertConfig(
        vocab_size=len(words), dim=32, hidden_dim=64, n_layers=2, n_heads=2,
        max_position_embeddings=MAX_TOKENS, initializer_range=1.0,
        id2label={0: "NEGATIVE", 1: "POSITIVE"}, label2id={"NEGATIVE": 0, "POSITIVE": 1},
    )  # fmt: skip
    torch.manual_seed(1)
    transformers.DistilBertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_every_text_has_its_own_polarity_whatever_its_company(weights: Path) -> None:
    engine = Sst2.load(str(weights))
    together = engine.polarities(TEXTS * 5)
    alone = [engine.polarities([text])[0] for text in TEXTS]
    assert together == pytest.approx(alone * 5, abs=1e-4)
    assert all(-1 <= polarity <= 1 for polarity in together)
    assert len(set(alone)) == len(TEXTS)


def test_labels_decide_which_way_is_up_not_their_order(weights: Path, tmp_path: Path) -> None:
    model = transformers.AutoModelForSequenceClassification.from_pretrained(weights)
    tokenizer = transformers.AutoTokenizer.from_pretrained(weights)
    upright = Sst2(tokenizer, model).polarities(TEXTS)
    model.config.id2label = {0: "POSITIVE", 1: "NEGATIVE"}
    assert Sst2(tokenizer, model).polarities(TEXTS) == pytest.approx([-value for value in upright])


def test_a_model_for_something_else_is_refused(weights: Path) -> None:
    model = transformers.AutoModelForSequenceClassification.from_pretrained(weights)
    model.config.id2label = {0: "CAT", 1: "DOG"}
    with pytest.raises(EngineError, match="CAT"):
        Sst2(None, model)


def test_a_folder_without_a_model_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=str(tmp_path)):
        Sst2.load(str(tmp_path))
