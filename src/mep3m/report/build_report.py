"""The report of a build: the dataset's figures, what became of every row, the merge, the scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mep3m.report import charts
from mep3m.report.dataset_report import report_dataset
from mep3m.report.ocr_examples import ocr_examples, ocr_sections
from mep3m.report.page import Section, table
from mep3m.store import Store
from mep3m.store.files import read_json
from mep3m.taxonomy import Taxonomy

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
        extra += [_scores(facts.scores), _by_training_rows(facts.scores, dataset.taxonomy)]
        extra.append(_calibration(facts.scores))
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


def _by_training_rows(scores: Mapping[str, Any], taxonomy: Taxonomy) -> Section:
    """Accuracy of every class against its training samples (Fig 8), of the level with most classes."""
    level = max(scores["levels"], key=lambda row: len(row["classes_by_training_rows"]))
    points = [
        {
            "x": row["training_rows"],
            "y": row["accuracy"],
            "name": taxonomy[row["name"]].name if row["name"] in taxonomy else row["name"],
        }
        for row in level["classes_by_training_rows"]
        if row["training_rows"]
    ]
    html = charts.scatter(points, "training samples of the class", "accuracy on test products", log_x=True)
    return Section(
        "Accuracy by class size", html, f"Each point is a class of level {level['level']} (Fig 8)."
    )


def _calibration(scores: Mapping[str, Any]) -> Section:
    """How often the classifier is right against how sure it says it is."""
    series = {
        f"level {row['level']} (ECE {row['calibration']['ece']:.3f})": [
            (bar["confidence"], bar["accuracy"]) for bar in row["calibration"]["reliability"] if bar["n"]
        ]
        for row in scores["levels"]
    }
    html = charts.lines({"perfect": [(0.0, 0.0), (1.0, 1.0)], **series}, "said probability", "share right")
    return Section("Calibration", html, "On the test products, in bins of the probability of the answer.")


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
