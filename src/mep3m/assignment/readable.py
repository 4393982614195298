"""What a model can read of a product: a row that shows it nothing goes to review, with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mep3m.dataset.readable import WORD
from mep3m.errors import UsageError
from mep3m.models.classifier import Classifier

#: how people call what `Classifier.reads` names
NAMES: Mapping[str, str] = {"title": "title", "ocr": "OCR text", "image": "image"}


def refuse_unread(classifier: Classifier, rows: Iterable[Mapping[str, Any]]) -> None:
    """Refuse a request whose products carry something, and nothing of it is what the model reads.

    `rows` have the fields `title`, `ocr`, `image` and `image_ref` of a product.

    Raises:
        UsageError: every product is like that.
    """
    carried = {name for row in rows for name in _carried(row)}
    if carried and not carried & set(classifier.reads):
        raise UsageError(
            f"this model reads the {_listed(classifier.reads)}, not the {_listed(sorted(carried))}: "
            f"give the {_listed(classifier.reads, 'or')} of the product"
        )


def why_unread(reads: Sequence[str], row: Mapping[str, Any], unreadable: str | None) -> str:
    """Return why a row (of `PRODUCT_SCHEMA`, as it was given) showed nothing to a model.

    `reads` is what the model reads, `unreadable` why the row's image could not be.
    """
    reasons = [_lack(name, row, unreadable) for name in reads]
    reasons += [f"the model does not read the {NAMES[name]}" for name in _carried(row) if name not in reads]
    return "nothing to read: " + "; ".join(reasons)


def _lack(name: str, row: Mapping[str, Any], unreadable: str | None) -> str:
    if name == "image":
        return f"the image cannot be read ({unreadable})" if unreadable else "there is no image"
    if name not in _carried(row):
        return f"there is no {NAMES[name]}"
    hidden = not pc.match_substring_regex(pa.scalar(row[name]), WORD).as_py()
    return (
        f"the {NAMES[name]} has no letter or digit"
        if hidden
        else f"the model knows nothing in the {NAMES[name]}"
    )


def _carried(row: Mapping[str, Any]) -> list[str]:
    """Return what a row has, whether a model can make something of it or not."""
    texts = [name for name in ("title", "ocr") if (row[name] or "").strip()]
    return [*texts, "image"] if row["image"] or row["image_ref"] else texts


def _listed(names: Sequence[str], joined: str = "and") -> str:
    return f" {joined} the ".join(NAMES[name] for name in names)
