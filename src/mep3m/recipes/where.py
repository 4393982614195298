"""After a build: where every category of every platform went, why, and what a self-test says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mep3m.alignment.merging.first_level import PlatformPath
from mep3m.alignment.merging.impact import Counts
from mep3m.alignment.merging.places import CategoryPlace, own_places, recounted, write_places
from mep3m.alignment.review.decisions import Decision, Ref, read_review
from mep3m.alignment.review.file_lock import file_lock
from mep3m.dataset.dataset import Dataset
from mep3m.evaluation.self_test import Elsewhere, SelfTest, leave_one_platform_out
from mep3m.report.where_report import Where
from mep3m.stages.apply_review import PLACES, store_counts
from mep3m.statistics.samples import category_samples
from mep3m.store import Store
from mep3m.store.json_files import read_json
from mep3m.store.stamp import is_current, write_stamp
from mep3m.taxonomy import PATH_SEPARATOR, Taxonomy, names_of

#: the table for a spreadsheet, and the results of the self-test with their stamp
WHERE, SELF_TEST = "where.tsv", "self-test.json"
#: the column of a review that says what the self-test holds against a link
FLAG = "mep3m_self_test"
#: what a terminal says of a category that the self-test contradicts
DOUBTED = "the self-test disagrees"


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
            against = contradiction(one, dataset.taxonomy)
            short = f"{place.short}; {DOUBTED}" if place.short else ""
            place = replace(place, why=f"{place.why}; {against}", short=short)
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


def flag_review(review: Path, tested: SelfTest, taxonomy: Taxonomy) -> None:
    """Write what the self-test says against accepted links into the column `mep3m_self_test` of a review.

    Only the category that a link moves can contradict it, or one below that. The file is left as it is where
    it says the same already.
    """
    said = {(one.platform, one.path): contradiction(one, taxonomy) for one in tested.elsewhere}
    with file_lock(review):
        sheet, decisions = read_review(review)
        before = [row.get(FLAG, "") for row in sheet.rows]
        for row, decision in zip(sheet.rows, decisions, strict=True):
            row[FLAG] = _against(decision, said) if decision.by_method and decision.verdict == "open" else ""
        if before != [row[FLAG] for row in sheet.rows]:
            sheet.columns += [] if FLAG in sheet.columns else [FLAG]
            sheet.write(review)


def _against(link: Decision, said: Mapping[PlatformPath, str]) -> str:
    """Return what contradicts a link, and how many more categories do."""
    ends = [(ref.source, tuple((label or ref.id).split(PATH_SEPARATOR))) for ref, label in _moved(link)]
    found = [
        f"{node[0]} '{PATH_SEPARATOR.join(node[1])}': {text}"
        for node, text in said.items()
        if any(node[0] == source and node[1][: len(path)] == path for source, path in ends)
    ]
    more = f" (and {len(found) - 1} more of its categories)" if len(found) > 1 else ""
    return f"{found[0]}{more}" if found else ""


def _moved(link: Decision) -> list[tuple[Ref, str]]:
    """Return the categories that a link moves, with their labels."""
    left, right = (link.left, link.left_label), (link.right, link.right_label)
    return {"narrower": [left], "broader": [right]}.get(link.relation, [left, right])


def contradiction(one: Elsewhere, taxonomy: Taxonomy) -> str:
    """Say in words where a model that has not seen the platform files a category's rows."""
    under = PATH_SEPARATOR.join(names_of(one.under, taxonomy))
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
