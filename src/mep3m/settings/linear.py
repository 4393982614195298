"""Settings of the linear text classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, model_validator

from mep3m.settings.base import Settings

#: rows that a training on a large table sees in all
SEEN = 1_000_000


class LinearSettings(Settings):
    """How titles become features, and how their weights are learned.

    Features are the character n-grams of `min_ngram` to `max_ngram` characters, and runs of at most
    `word_ngrams` words. One must occur in `min_titles` titles, and at most `max_features` are kept (the
    frequent ones); they are hashed into 2 ** `hash_bits` buckets. A feature whose titles are spread over the
    classes with an entropy H (0: one class, 1: all alike) is worth (1.05 - H) ** `purity_exponent` times as
    much. `ocr` adds the OCR text to the title; without `title` it is read alone.

    At most `epochs` passes are made (`None`: 8, from 125,000 rows on fewer, down to 2). An error costs
    `error_cost` (C of a linear SVM), its square up to error_limit / (2 error_cost) and in proportion beyond,
    which keeps rows with wrong labels from counting too much (`error_limit`, coarse-to-fine only).
    `learning_rate` is the step of fine-to-coarse, which falls linearly to a tenth.

    Where all classes of a level compete (hierarchy flat), a class with n rows weighs its own rows
    (m / n) ** `rare_exponent`, m being the median of its level, between 1 and 8: rare classes are predicted
    more often. Coarse to fine, the first levels of at most `name_head_size` names (0: none) also get a
    name-level head: they are also learned as flat does, in a third of the passes, and the answer is the mean.
    """

    old_keys: ClassVar[Mapping[str, str]] = {
        "low": "min_ngram",
        "high": "max_ngram",
        "words": "word_ngrams",
        "least": "min_titles",
        "most": "max_features",
        "bits": "hash_bits",
        "cost": "error_cost",
        "bound": "error_limit",
        "rate": "learning_rate",
        "rare": "rare_exponent",
        "names": "name_head_size",
        "purity": "purity_exponent",
    }

    min_ngram: int = Field(default=1, ge=1)
    max_ngram: int = Field(default=3, ge=1, le=8)
    word_ngrams: int = Field(default=2, ge=0, le=2)
    min_titles: int = Field(default=2, ge=1)
    max_features: int = Field(default=400_000, ge=1)
    hash_bits: int = Field(default=22, ge=10, le=28)
    epochs: int | None = Field(default=None, ge=1)
    error_cost: float = Field(default=2.0, gt=0)
    error_limit: float = Field(default=2.0, gt=0)
    learning_rate: float = Field(default=0.7, gt=0)
    rare_exponent: float = Field(default=0.25, ge=0, le=1)
    name_head_size: int = Field(default=256, ge=0)
    purity_exponent: float = Field(default=0.5, ge=0, le=4)
    title: bool = True
    ocr: bool = False

    def passes(self, rows: int) -> int:
        """Return the number of passes over a table of this many rows."""
        if self.epochs is not None:
            return self.epochs
        return min(max(SEEN // max(rows, 1), 2), 8)

    @model_validator(mode="before")
    @classmethod
    def _no_minutes(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "minutes" in values:
            raise ValueError(
                "the linear model takes no minutes: it ends after its passes over the rows (seconds for "
                "20,000 titles). Set epochs for fewer passes, or name a network with --model, such as bilstm"
            )
        return values

    @model_validator(mode="after")
    def _in_order(self) -> LinearSettings:
        if self.min_ngram > self.max_ngram:
            raise ValueError(
                f"'min_ngram' ({self.min_ngram}) must not be larger than 'max_ngram' ({self.max_ngram})"
            )
        return self

    @model_validator(mode="after")
    def _reads_something(self) -> LinearSettings:
        if not self.reads:
            raise ValueError("title = false leaves nothing to read: set ocr = true, or leave title out")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns of text that are read, one after the other."""
        return tuple(name for name in ("title", "ocr") if getattr(self, name))
