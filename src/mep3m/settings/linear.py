"""Settings of the linear text classifier."""

from __future__ import annotations

from pydantic import Field, model_validator

from mep3m.settings.base import Settings

#: rows that a training on a large table sees in all
SEEN = 1_000_000


class LinearSettings(Settings):
    """`low`..`high` are the orders of the character n-grams, `words` the longest run of words.

    A feature must occur in `least` titles, and at most `most` features are kept (the frequent ones);
    `bits` is the size of the hash table. At most `epochs` passes are made (`None`: 8, from 125,000 rows on
    fewer, down to 2); an error costs `cost` (C of a linear SVM), its square up to bound / (2 cost) and in
    proportion beyond, which `bound` (coarse-to-fine) keeps from rows with wrong labels. `rate` is the step of
    fine-to-coarse, which falls linearly to a tenth.
    Where all classes of a level compete (hierarchy flat), a class with n rows weighs its own rows
    (m / n) ** `rare`, m being the median of its level, between 1 and 8: rare classes are found more often.
    Coarse to fine, the first levels of at most `names` names (0: none) are also learned as flat does, in
    a third of the passes, and the answer is the mean of both.
    A feature whose titles are spread over the classes with an entropy H (0: one class, 1: all alike) is worth
    (1.05 - H) ** `purity` times as much. `ocr` adds the OCR text to the title.
    """

    low: int = Field(default=1, ge=1)
    high: int = Field(default=3, ge=1, le=8)
    words: int = Field(default=2, ge=0, le=2)
    least: int = Field(default=2, ge=1)
    most: int = Field(default=400_000, ge=1)
    bits: int = Field(default=22, ge=10, le=28)
    epochs: int | None = Field(default=None, ge=1)
    cost: float = Field(default=2.0, gt=0)
    bound: float = Field(default=2.0, gt=0)
    rate: float = Field(default=0.7, gt=0)
    rare: float = Field(default=0.25, ge=0, le=1)
    names: int = Field(default=256, ge=0)
    purity: float = Field(default=0.5, ge=0, le=4)
    ocr: bool = False

    def passes(self, rows: int) -> int:
        """Return the number of passes over a table of this many rows."""
        if self.epochs is not None:
            return self.epochs
        return min(max(SEEN // max(rows, 1), 2), 8)

    @model_validator(mode="after")
    def _orders(self) -> LinearSettings:
        if self.low > self.high:
            raise ValueError(f"'low' ({self.low}) must not be larger than 'high' ({self.high})")
        return self
