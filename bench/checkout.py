"""How well products are counted on composed scenes: drawn products, and the 81 iconic grocery pictures.

    python -m bench.checkout train --set drawn --work W           outlines learned from one set
    python -m bench.checkout score --set grocery --work W         tray, and outlines learned from either set

Scenes of different seeds; cAcc with its exact interval over all of them, the other scores as means over seeds
with the least and the most. Which products a scene has, how they lie and their light are drawn; the pictures
are those that the counter has seen, turned and lit otherwise: new photos of the same products are harder.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mep3m.checkout.coco import ProductName
from mep3m.checkout.counter import ProductCounter
from mep3m.checkout.cuts import CutProducts, cut_products
from mep3m.checkout.exemplars import Exemplar, Photo, open_exemplars
from mep3m.checkout.outlines import Outlines, train_outlines
from mep3m.checkout.regions import find_regions
from mep3m.checkout.scenes.compose import LEVELS
from mep3m.checkout.scenes.draw import draw_scenes
from mep3m.checkout.scenes.drawn import draw_exemplars
from mep3m.checkout.score import known_truth, score_scenes
from mep3m.engine.progress import bar
from mep3m.evaluation.intervals import share_interval
from mep3m.representations.weights import open_encoders

DATA = Path("../shared/data")
NAMES = ("ACD", "mCCD", "mCIoU", "mAP50", "mmAP")


def exemplars(chosen: str, work: Path, data: Path) -> tuple[Exemplar, ...]:
    if chosen == "drawn":
        return open_exemplars(draw_exemplars(work / "drawn", 48))[0]
    pictures = sorted((data / "img_grocery_store" / "iconic-images-and-descriptions").rglob("*_Iconic.jpg"))
    named = [(path.stem.removesuffix("_Iconic"), path) for path in pictures]
    return tuple(Exemplar(ProductName(name, path.parts[-3]), (Photo(path),)) for name, path in named)


def train(options: argparse.Namespace, cut: CutProducts) -> None:
    began = time.perf_counter()
    made = train_outlines(cut.cuts, options.scenes, options.epochs, options.seed, progress=bar)
    made.save(options.work / f"outlines-{options.set}")
    print(json.dumps({**made.facts, "seconds": round(time.perf_counter() - began)}))


def score(options: argparse.Namespace, cut: CutProducts) -> None:
    (encoder,) = open_encoders("image", ["packaged"], cache=options.work / "cache")
    finders: dict[str, Any] = {"tray": find_regions}
    for folder in sorted(options.work.glob("outlines-*")):
        finders[folder.name] = Outlines.load(folder).find
    counter = ProductCounter(cut, encoder, progress=bar)
    for name, finder in finders.items():
        counter.finder = finder
        runs = []
        for seed in range(options.seeds):
            scenes = draw_scenes(
                cut, options.work / f"{options.set}-{seed}", options.images, tuple(LEVELS), seed=seed
            )
            out = options.work / f"{options.set}-{seed}-by-{name}"
            out.mkdir(exist_ok=True)
            truth = known_truth(scenes, cut.products, out)
            runs.append(score_scenes(counter, cut.products, scenes, truth, out, 2).levels)
            print(json.dumps({"finder": name, "seed": seed, **runs[-1]["all"]}), flush=True)
        for level in runs[0]:
            print(_row(name, level, [run[level] for run in runs]), flush=True)


def _row(name: str, level: str, runs: list[dict[str, Any]]) -> str:
    images = runs[0]["images"]
    right = np.concatenate([np.arange(images) < round(run["cAcc"] * images) for run in runs])
    share = share_interval(right)
    told = [f"{share.value:.3f} ({share.low:.2f}-{share.high:.2f})"]
    for one in NAMES:
        values = [run[one] for run in runs]
        told.append(f"{np.mean(values):.3f} ({min(values):.2f}-{max(values):.2f})")
    return f"| {name} | {level} | {len(right)} | {' | '.join(told)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("do", choices=("train", "score"))
    parser.add_argument("--set", choices=("drawn", "grocery"), default="drawn")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--scenes", type=int, default=160)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    cut = cut_products(exemplars(options.set, options.work, options.data), bar)
    print(json.dumps({"products": len(cut.products), "whole": len(cut.whole), "refused": len(cut.refused)}))
    (train if options.do == "train" else score)(options, cut)


if __name__ == "__main__":
    main()
