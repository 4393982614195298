"""The tables of `bench.image_quality`'s result file: scores with intervals, and what fusion gains.

    python -m bench.image_tables quality.json [--sets fashion,flipkart]

A cell is the mean over the seeds, with the 95 % interval of the first seed. A gain is the
difference on the same test rows, averaged over seeds; its interval resamples the rows, 1,000 draws.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from bench.image_quality import MODELS, PEER_MODALITY, tables
from bench.image_sets import SETS
from mep3m.evaluation.metrics import accuracy, macro_f1

SCORES = {"top1": accuracy, "macro_f1": macro_f1}
ORDER = {"image": 0, "text": 1, "image+text": 2}


def modality(model: str) -> str:
    name = model.removesuffix(", same minutes")
    return PEER_MODALITY.get(model) or MODELS[name][0]


def by_model(results: dict[str, Any], name: str) -> dict[str, list[dict[str, Any]]]:
    """Return the runs of a set by model, seeds in order."""
    found: dict[str, list[dict[str, Any]]] = {}
    for key in sorted(results):
        place, model, _ = key.split("|")
        if place == name:
            found.setdefault(model, []).append(results[key])
    return dict(sorted(found.items(), key=lambda item: (ORDER[modality(item[0])], item[0])))


def score_table(name: str, runs: dict[str, list[dict[str, Any]]]) -> None:
    depth = len(SETS[name].labels)
    print(f"\n**{name}**: {next(iter(runs.values()))[0]['levels'][0]['n']:,} test rows\n")
    print("| modality | model | seeds | " + " | ".join(f"level {k + 1}" for k in range(depth)) + " | CPU s |")
    print("|---|---|---|" + "---|" * (depth + 1))
    for model, seeds in runs.items():
        cells = []
        for level in range(depth):
            entries = [run["levels"][level] for run in seeds]
            parts = []
            for score in SCORES:
                interval = entries[0]["intervals"][score]
                mean = np.mean([entry[score] for entry in entries])
                parts.append(f"{mean:.4f} [{interval['low']:.3f}, {interval['high']:.3f}]")
            cells.append("<br>".join(parts))
        spent = round(float(np.mean([run["cpu_seconds"] for run in seeds])))
        print(f"| {modality(model)} | {model} | {len(seeds)} | " + " | ".join(cells) + f" | {spent} |")


def gains(name: str, runs: dict[str, list[dict[str, Any]]], work: Path, fused: str, alone: str) -> None:
    """Print what `fused` gains over `alone` at every level."""
    truth = read_truth(name, work)
    pairs = list(zip(runs.get(fused, []), runs.get(alone, []), strict=False))
    for level in range(len(SETS[name].labels)) if pairs else []:
        answers = [[run["answers"][str(level + 1)] for run in pair] for pair in pairs]
        names = sorted({*truth[level], *(one for pair in answers for given in pair for one in given)})
        code = {one: place for place, one in enumerate(names)}
        right = np.array([code[one] for one in truth[level]])
        coded = [[np.array([code[one] for one in given]) for given in pair] for pair in answers]
        draws = np.random.default_rng(0).integers(0, len(right), (1000, len(right)))
        cells = [cell(score, coded, right, len(names), draws) for score in SCORES.values()]
        print(f"| {name} | {fused} − {alone} | {level + 1} | " + " | ".join(cells) + " |")


def cell(score: Any, coded: list[list[np.ndarray]], right: np.ndarray, classes: int, draws: Any) -> str:
    """Return the mean gain of the first over the second of each pair of answers, with its interval."""

    def gain(rows: Any) -> float:
        differences = [
            score(one[rows], right[rows], classes) - score(two[rows], right[rows], classes)
            for one, two in coded
        ]
        return float(np.mean(differences))

    low, high = np.quantile([gain(rows) for rows in draws], [0.025, 0.975])
    return f"{gain(slice(None)):+.4f} [{low:+.4f}, {high:+.4f}]"


def read_truth(name: str, work: Path) -> list[list[str]]:
    """Return the labels of the test rows, a list a level."""
    import csv

    with tables(name, work)[1].open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [[row[level] for row in rows if row[level]] for level in SETS[name].labels]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--sets", default=",".join(SETS))
    options = parser.parse_args()
    results = json.loads(options.results.read_text())
    work = options.results.with_suffix(".work")
    chosen = {name: by_model(results, name) for name in options.sets.split(",")}
    for name, runs in chosen.items():
        if runs:
            score_table(name, runs)
    print("\n| set | gain | level | top-1 | macro F1 |\n|---|---|---|---|---|")
    for name, runs in chosen.items():
        for tag in ("", ", same minutes"):
            gains(name, runs, work, f"late-fusion{tag}", "linear")
            gains(name, runs, work, f"late-fusion{tag}", f"small-cnn{tag}" if tag else "pretrained")


if __name__ == "__main__":
    main()
