"""The report of a build: the dataset's figures, what became of every row, the merge, the scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mep3m.report import charts
from mep3m.report.dataset_report import report_dataset
from mep3m.report.page import Section, table
from mep3m.store import Store
from mep3m.store.files import read_json

SCORES = {
    "level": "level",
    "n": "test products",
    "known_classes": "classes",
    "top1": "Top-1",
    "top5": "Top-5",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "ap_macro": "macro AP",
    "unseen": "of unseen classes",
}


def report_build(
    stores: Mapping[str, Store],
    scores: Mapping[str, Any] | None,
    truth: Mapping[str, Any] | None,
    folder: Path,
    seed: int = 0,
) -> Path:
    """Write the report of a build and return its path; `stores` are the steps in order."""
    dataset = list(stores.values())[-1]
    extra = [_steps(stores)]
    impact = dataset.folder / "decision" / "impact.json"
    if impact.exists():
        extra.append(_alignment(read_json(impact)))
    if scores is not None:
        extra.append(_scores(scores))
    if truth is not None:
        extra.append(_truth(truth))
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
    """Which categories became one, by whom, and which found no place."""
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


def _scores(scores: Mapping[str, Any]) -> Section:
    """The classifier on the test side of the split."""
    levels = [{key: row.get(key) for key in SCORES} for row in scores["levels"]]
    top = {f"level {row['level']}": row["top1"] for row in scores["levels"]}
    html = table(levels, SCORES) + charts.horizontal_bars(top, "Top-1 on test products")
    note = "Test products were set aside with their duplicates; the training side never saw them."
    return Section("Classifier", html, note)


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
