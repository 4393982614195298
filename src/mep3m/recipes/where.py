"""After a build: where every category of every platform went, why, and what a self-test says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mep3m.alignment.merging.impact import Counts
from mep3m.alignment.merging.places import CategoryPlace, own_places, recounted, write_places
from mep3m.dataset.dataset import Dataset
from mep3m.evaluation.self_test import Elsewhere, SelfTest, leave_one_platform_out
from mep3m.report.where_report import Where
from mep3m.stages.apply_review import PLACES, store_counts
from mep3m.statistics.samples import category_samples
from mep3m.store import Store
from mep3m.store.json_files import read_json
from mep3m.store.stamp import is_current, write_stamp
from mep3m.taxonomy import PATH_SEPARATOR, Taxonomy

#: the table for a spreadsheet, and the results of the self-test with their stamp
WHERE, SELF_TEST = "where.tsv", "self-test.json"


def where_categories_went(stores: Mapping[str, Store], tested: SelfTest | None, out: Path) -> Where:
    """Write `where.tsv` into `out`, and return its rows, what waits, and the rows without a label.

    `stores` are those of the steps that ran, in order; the last is the dataset.
    """
    dataset = list(stores.values())[-1]
    counts = store_counts(dataset)
    samples = category_samples(dataset)
    decision = stores["align"].layout.decision if "align" in stores else None
    places = own_places(counts, dataset.taxonomy)
    if decision is not None and (decision / PLACES).exists():
        merged = [CategoryPlace.from_json(value) for value in read_json(decision / PLACES)]
        places = recounted(merged, counts, dataset.taxonomy)
    elsewhere = {(one.platform, one.path): one for one in tested.elsewhere} if tested else {}
    shown = []
    for place in places:
        if (seen := samples.get(place.node)) is not None:
            place = replace(place, samples=seen.titles, images=seen.images)
        if (one := elsewhere.get(place.node)) is not None:
            place = replace(place, why=f"{place.why}; {contradiction(one, dataset.taxonomy)}")
        shown.append(place)
    write_places(out / WHERE, shown)
    told: Mapping[str, list[dict[str, Any]]] = {}
    if decision is not None and (decision / "impact.json").exists():
        told = read_json(decision / "impact.json")
    waiting, overlaps = (tuple(told.get(key, ())) for key in ("waiting", "overlaps"))
    return Where(out / WHERE, tuple(shown), waiting, _unlabelled(counts), tested, overlaps)


def self_test(store: Store, dataset: Dataset, out: Path) -> SelfTest | None:
    """Leave every platform out once; what was found for the same dataset is read, not done again."""
    path, made_from = out / SELF_TEST, [store.fingerprint]
    if not is_current(path, made_from):
        tested = leave_one_platform_out(dataset)
        write_stamp(path, made_from, result=None if tested is None else tested.to_json())
    result = read_json(path)["result"]
    return None if result is None else SelfTest.from_json(result)


def contradiction(one: Elsewhere, taxonomy: Taxonomy) -> str:
    """Say in words where a model that has not seen the platform files a category's rows."""
    under = PATH_SEPARATOR.join(taxonomy[key].name if key in taxonomy else key for key in one.under)
    if one.share > 0.5:
        return f"a model that has not seen this platform files most of these rows under '{under}'"
    return (
        "a model that has not seen this platform files most of these rows elsewhere, "
        f"{one.share:.0%} of all under '{under}'"
    )


def _unlabelled(counts: Counts) -> dict[tuple[str, tuple[str, ...]], int]:
    """Return the rows without a label of each category that has such rows, most first."""
    rows = {node: present.get((), 0) for node, present in counts.present.items()}
    return {node: rows[node] for node in sorted(rows, key=lambda node: (-rows[node], node)) if rows[node]}
