"""The default image network and its fusion with titles, on splits of real sets, each picture encoded once.

    python -m bench.image_pretrained --work FOLDER --out FIGURES.json [--sets grocery,flipkart]
        [--seeds 0,1,2] [--limit 2500] [--models pretrained,late-fusion,regression] [--set crops=0.89 ...]

Splits as in `bench.image_sets`, grouped by equal image bytes and titles; grocery has its own two parts,
there the seed draws the tenth that is held out. `--limit` takes so many rows, drawn by seed 17.
`regression` is scikit-learn's logistic regression on the last vector, a level at a time. Features are kept
in FOLDER by picture and weights, so that a second run's seconds are those of the heads. Printed: processor
seconds, then top-1 / macro F1 of each level; the file has their 95 % intervals too.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bench.image_quality import columns_of
from bench.image_sets import DATA, SETS, rows_of, write_table
from mep3m.dataset.dataset import Dataset
from mep3m.dataset.reading import Opened, open_products
from mep3m.evaluation.card import Answers, intervals
from mep3m.evaluation.evaluate import level_truth
from mep3m.models.classifier import Classifier
from mep3m.models.features import frozen_features, open_backbone, with_normalisation
from mep3m.models.inputs.columns import Inputs
from mep3m.models.late_fusion import LateFusion, fuse
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.models.networks.product import ProductNetwork
from mep3m.settings.network import NetworkSettings
from mep3m.settings.run import RunSettings
from mep3m.training import late_fusion, network
from mep3m.training.frozen import Passed
from mep3m.training.network_presets import resolve
from mep3m.training.task import make_task

Probabilities = NDArray[np.float32]


def sides(name: str, seed: int, limit: int, work: Path) -> tuple[Opened, Opened]:
    """Return the rows for training and for testing, of at most `limit` in all."""
    parts = rows_of(name, seed)
    kept = [*parts[0], *parts[1]]
    if limit and len(kept) > limit:
        kept = random.Random(17).sample(sorted(kept, key=lambda row: row["id"]), limit)
    ids = {row["id"] for row in kept}
    opened = []
    for side, rows in zip(("train", "test"), parts, strict=True):
        file = work / f"{name}-{seed}-{limit}-{side}.tsv"
        write_table(file, [row for row in rows if row["id"] in ids])
        opened.append(open_products(file, columns_of(name), DATA / SETS[name].folder))
    return opened[0], opened[1]


class Seen:
    """Answers a classifier for rows whose features the cache holds."""

    def __init__(self, rows: Dataset, opened: Opened, cache: Path) -> None:
        self.rows, self.opened, self.cache = rows, opened, cache

    def features(self, settings: NetworkSettings) -> Any:
        """Return the features of all rows by the image encoder of these settings."""
        alone = NetworkSettings(image=settings.image, frozen=True)
        return frozen_features(open_backbone(alone), self.rows.products, self.opened.images, self.cache)

    def answer(self, classifier: Classifier) -> Probabilities:
        """Return what `predict_proba` would, without encoding a picture again."""
        if isinstance(classifier, LateFusion):
            seen = {name: self._judged(part) for name, part in classifier.parts.items()}
            present = np.stack([one[1] for one in seen.values()], 1)
            opinions = [one[0] for one in seen.values()]
            return fuse(classifier.tree, opinions, classifier.weights, present, classifier.joined)
        return self._judged(classifier)[0]

    def _judged(self, classifier: Classifier) -> tuple[Probabilities, NDArray[np.bool_]]:
        if not isinstance(classifier, NetworkClassifier):
            judged = classifier.predict(self.rows.products, self.opened.images)
            return judged.proba, judged.seen
        features = self.features(classifier.settings)
        whole = classifier.network
        width = int(features.values.shape[1])
        heads = ProductNetwork({"image": Passed(width)}, whole.fusion, whole.head)
        alone = replace(classifier, network=heads.eval())
        judged = alone.predict_read(Inputs({"image": features}), np.arange(len(self.rows)))
        return judged.proba, judged.seen


def scored(tree: Any, proba: Probabilities, rows: Dataset) -> list[dict[str, Any]]:
    """Return top-1 and macro F1 of every level with their intervals."""
    levels = []
    for level in range(1, tree.depth + 1):
        answers = Answers(*level_truth(tree, proba, rows, level))
        levels.append({"level": level, "n": len(answers.truth), **asdict(intervals(answers))})
    return levels


def regression(train: Opened, test: Opened, work: Path, settings: NetworkSettings) -> list[dict[str, Any]]:
    """Return the scores of a plain logistic regression on the last vector, a level at a time."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    learned, tested = (Dataset.of(one.products).labelled() for one in (train, test))
    here = Seen(learned, train, work / "cache").features(settings)
    there = Seen(tested, test, work / "cache").features(settings)
    levels = []
    for level in range(1, max(len(path) for path in learned.paths) + 1):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
        rows = np.arange(len(learned))
        model.fit(here.take(rows)[0][:, -1280:], learned.names(level))
        answers = model.predict(there.take(np.arange(len(tested)))[0][:, -1280:])
        names = sorted({*answers, *tested.names(level)})
        guess, truth = (
            np.array([names.index(one) for one in part]) for part in (answers, tested.names(level))
        )
        proba = np.eye(len(names), dtype=np.float32)[guess]
        measured = intervals(Answers(np.arange(len(truth)), proba, truth, names))
        levels.append({"level": level, "n": len(truth), **asdict(measured)})
    return levels


def one(name: str, model: str, seed: int, options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Train and score one model; a late fusion gives its parts' scores as well."""
    work = options.work
    train, test = sides(name, seed, options.limit, work)
    changes = dict(word.split("=", 1) for word in options.set or ()) | {"cache": str(work / "cache")}
    if model == "regression":
        image = with_normalisation(resolve("pretrained", changes)[0])
        return {model: regression(train, test, work, image)}
    fused = model == "late-fusion"
    settings = RunSettings.parse(
        {"modality": "image+text" if fused else "image", "model": model, "seed": seed, "options": changes}
        | ({"hierarchy": options.hierarchy} if options.hierarchy else {}),
        "bench",
    )
    task = make_task(Dataset.of(train.products).labelled(), settings, train.images)
    run = work / f"run-{name}-{model}-{seed}"
    trained = (late_fusion if fused else network).train(task, run)
    rows = Dataset.of(test.products).labelled()
    seen = Seen(rows, test, work / "cache")
    results = {model: scored(task.tree, seen.answer(trained.classifier), rows)}
    if fused:
        parts = cast(LateFusion, trained.classifier).parts
        results |= {
            f"{model}: {key}": scored(task.tree, seen.answer(part), rows) for key, part in parts.items()
        }
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sets", default="grocery,flipkart")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--models", default="pretrained")
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--hierarchy", default="")
    parser.add_argument("--set", action="append")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    for name in options.sets.split(","):
        for model in options.models.split(","):
            for seed in map(int, options.seeds.split(",")):
                began = time.process_time()
                found = one(name, model, seed, options)
                spent = round(time.process_time() - began, 1)
                kept = json.loads(options.out.read_text()) if options.out.exists() else {}
                for kind, levels in found.items():
                    key = f"{name}|{kind}|{options.hierarchy or 'auto'}|{' '.join(options.set or ())}|{seed}"
                    kept[key] = levels
                    print(
                        key,
                        spent,
                        *(f"{e['top1']['value']:.4f}/{e['macro_f1']['value']:.4f}" for e in levels),
                        flush=True,
                    )
                options.out.write_text(json.dumps(kept))


if __name__ == "__main__":
    main()
