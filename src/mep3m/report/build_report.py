"""The report of a build: the dataset's figures, what became of every row, the merge, the scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mep3m.report.card_report import by_training_rows, calibration, scores
from mep3m.report.dataset_report import report_dataset
from mep3m.report.ocr_examples import ocr_examples, ocr_sections
from mep3m.report.page import Section, table
from mep3m.store import Store
from mep3m.store.files import read_json

#: what the scores of a build were measured on
SET_ASIDE = "Test products were set aside with their duplicates; the training side never saw them."


@dataclass(frozen=True)
class Facts:
    """What a build found: its stores in the order of the steps, and what is None where there is none.

    `scores` are the metric card on the test products, `truth` the scores against a simulation,
    `lines` the file with the text of every image.
    """

    stores: Mapping[str, Store]
    scores: Mapping[str, Any] | None = None
    truth: Mapping[str, Any] | None = None
    lines: Path | None = None


def report_build(facts: Facts, folder: Path, seed: int = 0) -> Path:
    """Write the report of a build and return its path."""
    dataset = list(facts.stores.values())[-1]
    extra: list[Section] = []
    if facts.lines is not None:
        with facts.lines.open("rb") as file:
            found = ocr_examples((orjson.loads(line) for line in file), seed=seed)
        extra += ocr_sections(found, dataset.images.file)
    extra.append(_steps(facts.stores))
    impact = dataset.folder / "decision" / "impact.json"
    if impact.exists():
        extra.append(_alignment(read_json(impact)))
    if facts.scores is not None:
        extra += [scores(facts.scores, SET_ASIDE), by_training_rows(facts.scores, dataset.taxonomy)]
        extra.append(calibration(facts.scores))
    if facts.truth is not None:
        extra.append(_truth(facts.truth))
    report_dataset(dataset, folder, seed, extra)
    return folder / "report.html"


def _steps(stores: Mapping[str, Store]) -> Section:
    """What every step kept, dropped and could not do."""
    rows = [
        {
            "step": name,
            "rows": store.rows,
            "kept": store.rows - store.manifest["dropped"],
            "quarantine": store.manifest["rejects"],
        }
        for name, store in stores.items()
    ]
    reasons: Counter[tuple[str, str]] = Counter()
    for name, store in stores.items():
        reasons.update((name, reason) for reason in store.rejects()["reason"].to_pylist())
    refused = [
        {"step": name, "reason": reason, "rows": count} for (name, reason), count in reasons.most_common(30)
    ]
    html = table(rows) + "<h3>Quarantine, by reason</h3>" + table(refused)
    return Section("Steps", html, "Each step is a store of its own; a row never disappears.")


def _alignment(impact: Mapping[str, Any]) -> Section:
    """Which categories became one, by whom, and which are unmapped."""
    joined = [
        {
            "category": group["name"],
            "from": " = ".join(f"{member['source']}: {member['path']}" for member in group["members"]),
            "products": group["rows"],
        }
        for group in impact["joined"]
    ]
    unmapped = [
        {"shop": row["source"], "category": row["path"], "why": row["reason"], "products": row["rows"]}
        for row in impact["unmapped"]
    ]
    origins = [{"labels": name, "products": count} for name, count in impact["rows_by_origin"].items()]
    html = table(origins) + "<h3>Joined categories</h3>" + table(joined)
    html += "<h3>Without a place in the tree</h3>" + table(unmapped)
    return Section("Alignment", html, "Edit review.sssom.tsv and build again to change it.")


def _truth(truth: Mapping[str, Any]) -> Section:
    """What the simulator knows, beside what the build found."""
    rows = [
        ("alignment, links accepted by the method", truth["alignment"]),
        ("duplicates, pairs", truth["duplicates"]["pairwise"]),
        ("duplicates, B-cubed", truth["duplicates"]["b_cubed"]),
        ("planted defects taken out", truth["quality"]),
        ("images with text", truth["ocr"]),
    ]
    shown = [{"what": what, "precision": row["precision"], "recall": row["recall"]} for what, row in rows]
    return Section("Against the truth", table(shown), "Only simulated shops have one.")
