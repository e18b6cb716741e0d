"""Polarity of a text by DistilBERT fine-tuned on SST-2, through transformers; needs `hubbub[torch]`."""

from collections.abc import Sequence
from typing import Any

from common.errors import EngineError

BATCH = 16
MAX_TOKENS = 128


class Sst2:
    """Polarity from a sequence classifier with the labels NEGATIVE and POSITIVE."""

    def __init__(self, tokenizer: Any, model: Any) -> None:
        labels = {str(label).upper(): index for index, label in model.config.id2label.items()}
        if not {"NEGATIVE", "POSITIVE"} <= labels.keys():
            raise EngineError(f"labels {sorted(labels)}: want NEGATIVE and POSITIVE")
        self._tokenizer = tokenizer
        self._model = model.eval()
        self._pair = [labels["NEGATIVE"], labels["POSITIVE"]]

    @classmethod
    def load(cls, name: str) -> "Sst2":
        """Weights from a folder or, by name, from the hub. Raises EngineError."""
        try:
            from transformers import AutoModelForSequenceClassification, AutoTokenizer  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
        except ImportError as error:
            raise EngineError(f"sentiment engine sst2 needs hubbub[torch]: {error}") from error
        try:
            tokenizer = AutoTokenizer.from_pretrained(name)
            model = AutoModelForSequenceClassification.from_pretrained(name)
        except (OSError, ValueError) as error:
            raise EngineError(f"sentiment model {name!r}: {error}") from error
        return cls(tokenizer, model)

    def polarities(self, texts: Sequence[str]) -> list[float]:
        """-1 (negative) to 1 (positive), one per text, in order."""
        batches = (texts[at : at + BATCH] for at in range(0, len(texts), BATCH))
        return [polarity for batch in batches for polarity in self._batch(list(batch))]

    def _batch(self, texts: list[str]) -> list[float]:
        import torch  # noqa: PLC0415

        tokens = self._tokenizer(
            texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        )
        with torch.inference_mode():
            logits = self._model(**tokens).logits[:, self._pair]
        negative, positive = logits.softmax(dim=1).T.tolist()
        return [up - down for up, down in zip(positive, negative, strict=True)]
