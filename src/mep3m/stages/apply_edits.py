"""The stage that brings the labels of a store to the latest edits of its category tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from mep3m.alignment.edits.edit import Record, remap_labels, replay
from mep3m.errors import UsageError
from mep3m.product import LABEL_TYPE, Label
from mep3m.stages.base import Outcome
from mep3m.stages.read_once import read_once
from mep3m.store import ContentImages, Reject, Store
from mep3m.store.json_files import fingerprint
from mep3m.store.layout import TAXONOMY
from mep3m.taxonomy import Taxonomy


@dataclass(frozen=True)
class ApplyEdits:
    """The stage that applies edits of a store's own taxonomy to its labels.

    A label whose category is gone gives way to the label above it; the row is listed in the
    quarantine with the reason.
    """

    records: tuple[Record, ...]
    name = "follow"

    def settings(self) -> Mapping[str, Any]:
        """Return a fingerprint of the edits."""
        return {"edits": fingerprint([asdict(record) for record in self.records])}

    def collect(self, shard: pa.Table, images: ContentImages) -> pa.Table:
        """Return nothing: the edits decide, not the rows."""
        return pa.table({"rows": [shard.num_rows]})

    def decide(self, collected: Sequence[Path], store: Store, folder: Path) -> Taxonomy:
        """Return the edited taxonomy.

        Raises:
            UsageError: an edit does not fit the store's taxonomy.
        """
        taxonomy, _, broken = replay(store.taxonomy, self.records)
        if broken:
            raise UsageError(f"the edits do not fit the taxonomy of {store.folder}: {broken[0]}")
        return taxonomy

    def apply(self, shard: pa.Table, folder: Path) -> Outcome:
        """Return the shard with the labels that the edits leave."""
        taxonomy = read_once(folder / TAXONOMY, Taxonomy.load)
        rejects: list[Reject] = []
        column: list[list[dict[str, Any]] | None] = []
        for row in shard.select(["id", "source", "source_path", "labels", "file", "line"]).to_pylist():
            labels = tuple(Label(**label) for label in row["labels"] or ())
            node = (row["source"], tuple(row["source_path"] or ()))
            new, lost = remap_labels(labels, taxonomy, self.records, node) if labels else ((), "")
            if lost:
                place = {"product": row["id"], "file": row["file"], "line": row["line"]}
                value = labels[-1].category
                rejects.append(Reject("follow", row["source"], lost, **place, field="labels", value=value))
            column.append([asdict(label) for label in new])
        at = shard.schema.get_field_index("labels")
        return Outcome(
            shard.set_column(at, shard.schema.field(at), pa.array(column, pa.list_(LABEL_TYPE))), rejects
        )
