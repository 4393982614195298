"""Quarantine: what could not be taken in, with the place it came from and the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

#: characters of a bad value that are kept; the rest stays in the source file
VALUE_LIMIT = 500

#: the step that reads sources, as plans, manifests and rejects name it
INGEST = "ingest"
REJECT_SCHEMA = pa.schema(
    [
        pa.field("stage", pa.string()),
        pa.field("source", pa.string()),
        pa.field("product", pa.string()),
        pa.field("file", pa.string()),
        pa.field("line", pa.int64()),
        pa.field("field", pa.string()),
        pa.field("value", pa.string()),
        pa.field("reason", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Reject:
    """One refused row or one failed step of a row.

    `product` is the id of the product when the row itself was taken in and only a step on it
    failed (its image is broken, its OCR timed out), and `None` when the whole row was refused.
    """

    stage: str
    source: str
    reason: str
    product: str | None = None
    file: str | None = None
    line: int | None = None
    field: str | None = None
    value: str | None = None


def image_reject(stage: str, row: Mapping[str, Any], reason: str, by: str = "image") -> Reject:
    """Return the refusal of a product's image by one stage; the row itself was taken in.

    `by` is the column that names the image: its content, or `image_ref` where it has none yet. A row need
    not say the file and line that it came from.
    """
    return Reject(
        stage=stage,
        source=row["source"],
        reason=reason,
        product=row["id"],
        file=row.get("file"),
        line=row.get("line"),
        field="image",
        value=row[by],
    )


def rejects_table(rejects: Iterable[Reject]) -> pa.Table:
    """Return the rejects as a table with `REJECT_SCHEMA`; long values are cut."""
    rows = [asdict(reject) for reject in rejects]
    for row in rows:
        if row["value"] is not None and len(row["value"]) > VALUE_LIMIT:
            size = f"… ({len(row['value']):,} characters)"
            row["value"] = row["value"][: VALUE_LIMIT - len(size)] + size
    return pa.Table.from_pylist(rows, schema=REJECT_SCHEMA)
