"""The report of a build: the dataset's figures, what became of every row, the merge, the scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mep3m.report.alignment_report import alignment_section
from mep3m.report.card_report import by_training_rows, calibration, scores
from mep3m.report.dataset_report import report_dataset
from mep3m.report.ocr_examples import ocr_examples, ocr_sections
from mep3m.report.page import Section, table
from mep3m.report.where_report import Where, where_sections
from mep3m.statistics.figures import dataset_figures
from mep3m.statistics.nearest import See
from mep3m.store import Store
from mep3m.store.json_files import read_json

#: what the scores of a build were measured on
SET_ASIDE = "Test products were set aside with their duplicates; the training side never saw them."

#: how the alignment of a build is changed
REVIEW_NOTE = "Edit review.sssom.tsv and build again to change it."


@dataclass(frozen=True)
class Facts:
    """What a build found: its stores in the order of the steps, and what is None where there is none.

    `scores` are the metric card on the test products, `truth` the scores against a simulation,
    `lines` the file with the text of every image, `where` what became of the platforms' categories.
    """

    stores: Mapping[str, Store]
    scores: Mapping[str, Any] | None = None
    truth: Mapping[str, Any] | None = None
    lines: Path | None = None
    where: Where | None = None


def report_build(facts: Facts, folder: Path, seed: int = 0, see: See | None = None) -> Path:
    """Write the report of a build and return its path; `see` encodes images."""
    dataset = list(facts.stores.values())[-1]
    extra: list[Section] = []
    if facts.lines is not None:
        with facts.lines.open("rb") as file:
            examples = ocr_examples((orjson.loads(line) for line in file), seed=seed)
        extra += ocr_sections(examples, dataset.images.file)
    extra.append(_steps(facts.stores))
    if facts.where is not None:
        extra += where_sections(facts.where, dataset, facts.scores)
    impact = dataset.layout.decision / "impact.json"
    if impact.exists():
        extra.append(alignment_section(read_json(impact), REVIEW_NOTE))
    if facts.scores is not None:
        extra += [scores(facts.scores, SET_ASIDE), by_training_rows(facts.scores, dataset.taxonomy)]
        extra.append(calibration(facts.scores))
    if facts.truth is not None:
        extra.append(_truth(facts.truth))
    report_dataset(dataset_figures(dataset, seed, see), folder, extra)
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


def _truth(truth: Mapping[str, Any]) -> Section:
    """What the simulator knows, beside what the build found."""
    rows = [
        ("alignment, links accepted by the method", truth["alignment"]),
        ("duplicates, pairs", truth["duplicates"]["pairwise"]),
        ("duplicates, B-cubed", truth["duplicates"]["b_cubed"]),
        ("planted defects taken out", truth["quality"]),
        ("images with text", truth["ocr"]),
    ]
    shown = [
        {"what": what, "precision": row["precision"], "recall": row["recall"]}
        for what, row in rows
        if row is not None
    ]
    note = "Only simulated shops have one."
    return Section("Against the truth", table(shown), " ".join(filter(None, (note, left_out_note(truth)))))


def left_out_note(truth: Mapping[str, Any]) -> str:
    """Return what is not scored because no product has an image, empty where all is."""
    counts = truth["left_out"]
    if not any(counts.values()):
        return ""
    return (
        "not scored, as no product has an image: "
        f"{counts['duplicate_pairs']:,} duplicate pairs on two platforms, "
        f"{counts['image_defects']:,} defects of images"
    )
