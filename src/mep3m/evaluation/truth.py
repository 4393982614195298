"""Score a build of simulated shops against what the simulator knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mep3m.alignment.gold import Gold, named_ends
from mep3m.alignment.records import TURNED, Proposal, Relation
from mep3m.alignment.review.sssom import read_sssom
from mep3m.alignment.score import score
from mep3m.alignment.table import read_rows
from mep3m.evaluation.clusters import b_cubed, pairwise
from mep3m.simulator.plan import IMAGE_DEFECTS
from mep3m.store import Store
from mep3m.taxonomy import PATH_SEPARATOR

#: defects that leave a product usable, so nothing has to take it out
HARMLESS = frozenset({"missing_id", "no_category"})

#: defects of rows that no product's id is the id of
WITHOUT_ID = frozenset({"repeated_id", "broken_row"})

Key = tuple[str, str]


def score_against_truth(truth: Path, review: Path | None, stores: Mapping[str, Store]) -> dict[str, Any]:
    """Return how right a build is, by step; `truth` is the folder that the simulator wrote.

    `stores` are those of the steps that ran, in order; rows of platforms that they do not hold are no part
    of the truth. `alignment`: links that the method accepted, against the true links of every pair of
    platforms; `None` where there is no `review` or no such link.
    `duplicates`: pairs and B-cubed over kept products. `quality`: rows with a planted defect that
    were refused or dropped or lost their image (recall), and the share of those that were planted
    (precision). `ocr`: whether an image has text at all; `None` where no row has an image.

    `left_out` counts what nobody can find without images and what is therefore not scored: planted defects
    of images, and duplicates on two platforms, whose titles have nothing in common that tells products apart.
    """
    dataset = list(stores.values())[-1]
    rejects = pa.concat_tables([store.rejects() for store in stores.values()]).to_pylist()
    products = list(_products(dataset))
    present = {row["source"] for row in (*products, *rejects)}
    every = pq.read_table(truth / "products.parquet").to_pylist()
    rows = [row for row in every if row["source"] in present]
    known = {(row["source"], row["source_id"]): row for row in rows if row["defect"] not in WITHOUT_ID}
    kept = [row for row in products if row["dropped"] is None and _key(row) in known]
    grouped = [row["group"] or "\n".join(_key(row)) for row in kept]
    true: list[Hashable] = [known[_key(row)]["group"] for row in kept]
    left_out = {"image_defects": 0, "duplicate_pairs": 0}
    read = [row for row in kept if row["image"]]
    seen = any(row["image"] for row in products)
    if not seen:
        sound = [row for row in rows if row["defect"] not in IMAGE_DEFECTS]
        left_out["image_defects"], rows = len(rows) - len(sound), sound
        within = [(row["source"], group) for row, group in zip(kept, true, strict=True)]
        left_out["duplicate_pairs"], true = _pairs(true) - _pairs(within), [*within]
        grouped = [f"{row['source']} {group}" for row, group in zip(kept, grouped, strict=True)]
    texts = _detection(
        {_key(row) for row in read if row["ocr"]}, {_key(row) for row in read if known[_key(row)]["has_text"]}
    )
    return {
        "alignment": _alignment(truth / "alignment.tsv", review, present),
        "duplicates": {
            "pairwise": _agreement(pairwise(grouped, true)),
            "b_cubed": _agreement(b_cubed(grouped, true)),
        },
        "quality": _quality(rows, products, rejects),
        "ocr": texts if seen else None,
        "left_out": left_out,
    }


def _pairs(groups: Sequence[Hashable]) -> int:
    """Return the number of pairs that share a group."""
    return sum(size * (size - 1) // 2 for size in Counter(groups).values())


def _alignment(gold_file: Path, review: Path | None, present: set[str]) -> dict[str, Any] | None:
    """Score the links between platforms that are there; None where nothing was to be aligned."""
    pairs: dict[Key, Relation | None] = {}
    for _, row in read_rows(gold_file, ("left_source", "right_source", "left_id", "right_id", "relation")):
        if not {row["left_source"], row["right_source"]} <= present:
            continue
        ends = (f"{row['left_source']}: {row['left_id']}", f"{row['right_source']}: {row['right_id']}")
        turned = ends[0] > ends[1]
        pairs[(ends[1], ends[0]) if turned else ends] = (
            TURNED[row["relation"]] if turned else TURNED[TURNED[row["relation"]]]
        )
    if review is None or not pairs:
        return None
    proposals = _known_to(pairs, [named_ends(row.proposal) for row in read_sssom(review)])
    scores = score(proposals, Gold(pairs), errors_shown=0)
    wanted = ("gold_pairs", "proposed", "correct", "precision", "recall", "f1", "decisions")
    return {name: value for name, value in asdict(scores).items() if name in wanted}


def _known_to(pairs: Collection[Key], proposals: Sequence[Proposal]) -> list[Proposal]:
    """Return the proposals without links of inner categories: the truth names those with products only."""
    named = {end for pair in pairs for end in pair}
    ends = {end for one in proposals for end in (one.left_id, one.right_id)}
    above: set[str] = set()
    for end in ends:
        names = end.split(PATH_SEPARATOR)
        above.update(PATH_SEPARATOR.join(names[:depth]) for depth in range(1, len(names)))
    inner = above - named
    return [one for one in proposals if one.left_id not in inner and one.right_id not in inner]


def _quality(
    rows: Iterable[dict[str, Any]], products: Iterable[dict[str, Any]], rejects: Iterable[dict[str, Any]]
) -> dict[str, Any]:
    """Compare products by id, and refused rows, which have none, by file and line.

    Rows that were no record share the line of the record before them: each refusal there takes one more row.
    """
    rows = [row for row in rows if row["defect"] not in HARMLESS]
    places: dict[tuple[str, int], list[int]] = {}
    for index, row in enumerate(rows):
        places.setdefault((Path(row["file"]).name, row["line"]), []).append(index)
    # the id of a row that repeats one belongs to the first row with it; what is broken has none
    by_id = {_key(row): index for index, row in enumerate(rows) if row["defect"] not in WITHOUT_ID}
    product_ids = {":".join(key): index for key, index in by_id.items()}
    taken = {by_id.get(_key(row)) for row in products if row["dropped"] is not None}
    for row in rejects:
        there = places.get((Path(row["file"] or "").name, row["line"]), [])
        taken.add(
            product_ids[row["product"]] if row["product"] in product_ids else there.pop() if there else None
        )
    taken.discard(None)  # a row with a harmless flaw: neither right nor wrong to take out
    return _detection(taken, {index for index, row in enumerate(rows) if row["defect"] is not None})


def _detection(detected: set[Any], true: set[Any]) -> dict[str, Any]:
    both = len(detected & true)
    return {
        "true": len(true),
        "found": len(detected),
        "precision": both / len(detected) if detected else 1.0,
        "recall": both / len(true) if true else 1.0,
    }


def _products(store: Store) -> Iterable[dict[str, Any]]:
    columns = ["source", "source_id", "group", "ocr", "image", "dropped", "file", "line"]
    for table in store.tables(columns):
        yield from table.to_pylist()


def _key(row: Mapping[str, Any]) -> Key:
    return row["source"], row["source_id"]


def _agreement(agreement: Any) -> dict[str, float]:
    return {"precision": agreement.precision, "recall": agreement.recall, "f1": agreement.f1}
