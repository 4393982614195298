"""Accuracy against processor minutes: heads, the last stages of a packaged network, or all of it.

    python -m bench.image_curve --work FOLDER --out CURVE.json [--minutes 1,3,6] [--parts heads,last,full]
        [--backbone tf_efficientnet_lite0] [--trained 2] [--set last.learning_rate=1e-3 ...]

Each point is a run of its own with `minutes=N`, on grocery's official parts, all three levels scored on the
validation part. `heads` is `--model pretrained`, `last` the same with `trained`, `full` is `--model timm` at
160 pixels. The minutes of the scoring do not count. Runs do not share pictures: each reads them.

    python -m bench.image_curve --out CURVE.json --plot CURVE.svg
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path
from typing import Any

from bench.image_pretrained import scored, sides
from mep3m.dataset.dataset import Dataset
from mep3m.settings.run import RunSettings
from mep3m.training import network
from mep3m.training.task import make_task

TITLES = {"heads": "heads", "last": "the last stages and heads", "full": "everything"}


def options_of(part: str, options: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """Return the model and the options of one part."""
    own = {"backbone": options.backbone}
    words = (word.split(".", 1) for word in options.set or ())
    own |= dict(word.split("=", 1) for name, word in words if name == part)
    if part == "full":
        return "timm", {"weights": "packaged", "pixels": 160, "learning_rate": 1e-3} | own
    return "pretrained", own | ({"trained": options.trained} if part == "last" else {})


def point(part: str, minutes: float, options: argparse.Namespace) -> dict[str, Any]:
    """Train for so many minutes and return the processor minutes that it took, and the scores."""
    train, test = sides("grocery", options.seed, 0, options.work)
    model, chosen = options_of(part, options)
    settings = RunSettings.parse(
        {
            "modality": "image",
            "model": model,
            "hierarchy": "coarse-to-fine",
            "seed": options.seed,
            "options": chosen | {"minutes": minutes},
        },
        "bench",
    )
    run = options.work / f"curve-{part}-{minutes:g}"
    shutil.rmtree(run, ignore_errors=True)
    began = time.process_time()
    task = make_task(Dataset.of(train.products).labelled(), settings, train.images)
    trained = network.train(task, run)
    spent = (time.process_time() - began) / 60
    rows = Dataset.of(test.products).labelled()
    proba = trained.classifier.predict_proba(rows.products, test.images)
    shutil.rmtree(run)
    return {"minutes": minutes, "spent": spent, "levels": scored(task.tree, proba, rows)}


def plot(curves: dict[str, list[dict[str, Any]]], file: Path) -> None:
    """Draw top-1 of the finest level over the minutes."""
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "mep3m"
    figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    for part, points in curves.items():
        spent = [one["spent"] for one in points]
        top = [one["levels"][-1]["top1"]["value"] for one in points]
        axes.plot(spent, top, marker="o", markersize=3.5, label=TITLES[part])
    axes.set(
        xlabel="processor minutes, reading of the pictures included", ylabel="top-1, 81 kinds", ylim=(0, 1)
    )
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", frameon=False, fontsize=8)
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", default="1,3,6")
    parser.add_argument("--parts", default="heads,last,full")
    parser.add_argument("--backbone", default="tf_efficientnet_lite0")
    parser.add_argument("--trained", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    curves = json.loads(options.out.read_text()) if options.out.exists() else {}
    if options.plot:
        plot(curves, options.plot)
        return
    options.work.mkdir(parents=True, exist_ok=True)
    for part in options.parts.split(","):
        for minutes in map(float, options.minutes.split(",")):
            found = point(part, minutes, options)
            kept = [one for one in curves.get(part, []) if one["minutes"] != minutes]
            curves[part] = sorted([*kept, found], key=lambda one: one["minutes"])
            options.out.write_text(json.dumps(curves))
            tops = (f"{one['top1']['value']:.4f}/{one['macro_f1']['value']:.4f}" for one in found["levels"])
            print(part, minutes, f"{found['spent']:.2f}", *tops, flush=True)


if __name__ == "__main__":
    main()
