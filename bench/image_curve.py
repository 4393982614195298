"""Accuracy against processor minutes: heads, the last stages of a packaged network, or all of it.

    python -m bench.image_curve --work FOLDER --out CURVE.json [--parts heads=1,2,4 last=1,4 full=2,6]
        [--backbone tf_efficientnet_lite2] [--trained 2] [--set full.backbone=tf_efficientnet_lite0 ...]

Each point is a run of its own on grocery's official parts, all three levels scored on the validation part.
`heads` is `--model pretrained` with so many views of each picture, `last` the same with `trained` for so many
epochs, `full` is `--model timm` at 160 pixels for so many epochs. What is counted is the processor's time, of
reading and learning, so that other work on the machine does not matter; scoring does not count. Runs do not
share pictures: each reads them.

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
from bench.plots import bands
from mep3m.dataset.dataset import Dataset
from mep3m.settings.run import RunSettings
from mep3m.training import network
from mep3m.training.task import make_task

TITLES = {"heads": "heads", "last": "the last stages and heads", "full": "everything"}


#: views of a picture -> options
VIEWS: dict[int, dict[str, Any]] = {1: {"crops": "0.89", "mirror": False}, 2: {"crops": "0.89"}, 4: {}}


def options_of(part: str, size: int, options: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """Return the model and the options of one point."""
    own = {"backbone": options.backbone, "minutes": "none"}
    own |= VIEWS[size] if part == "heads" else {"epochs": size}
    words = (word.split(".", 1) for word in options.set or ())
    own |= dict(word.split("=", 1) for name, word in words if name == part)
    if part == "full":
        return "timm", {"weights": "packaged", "pixels": 160, "learning_rate": 1e-3} | own
    return "pretrained", own | ({"trained": options.trained} if part == "last" else {})


def point(part: str, size: int, options: argparse.Namespace) -> dict[str, Any]:
    """Train and return the processor minutes that it took, and the scores."""
    train, test = sides("grocery", options.seed, 0, options.work)
    model, chosen = options_of(part, size, options)
    settings = RunSettings.parse(
        {
            "modality": "image",
            "model": model,
            "hierarchy": "coarse-to-fine",
            "seed": options.seed,
            "options": chosen,
        },
        "bench",
    )
    run = options.work / f"curve-{part}-{size}"
    shutil.rmtree(run, ignore_errors=True)
    began = time.process_time()
    task = make_task(Dataset.of(train.products).labelled(), settings, train.images)
    trained = network.train(task, run)
    spent = (time.process_time() - began) / 60
    rows = Dataset.of(test.products).labelled()
    proba = trained.classifier.predict_proba(rows.products, test.images)
    shutil.rmtree(run)
    return {"size": size, "spent": spent, "levels": scored(task.tree, proba, rows)}


def plot(curves: dict[str, list[dict[str, Any]]], file: Path) -> None:
    """Draw top-1 of the finest level, with its interval, over the minutes."""
    series = {}
    for part, points in curves.items():
        tops = [(one["spent"], one["levels"][-1]["top1"]) for one in points]
        series[TITLES[part]] = [
            (spent, top["value"], top["low"], top["high"]) for spent, top in sorted(tops, key=lambda t: t[0])
        ]
    axes = ("processor minutes, reading of the pictures included", "top-1, 81 kinds")
    bands(file, "Grocery, other shelves", axes, series)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", default=["heads=1,2,4", "last=1,4", "full=2,6"])
    parser.add_argument("--backbone", default="tf_efficientnet_lite2")
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
    for part, sizes in (word.split("=") for word in options.parts):
        for size in map(int, sizes.split(",")):
            found = point(part, size, options)
            kept = [one for one in curves.get(part, []) if one["size"] != size]
            curves[part] = sorted([*kept, found], key=lambda one: one["size"])
            options.out.write_text(json.dumps(curves))
            tops = (f"{one['top1']['value']:.4f}/{one['macro_f1']['value']:.4f}" for one in found["levels"])
            print(part, size, f"{found['spent']:.2f}", *tops, flush=True)


if __name__ == "__main__":
    main()
