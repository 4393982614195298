"""Table 6's shape: three orders and the baseline on frozen features of image, text and both, every level.

    python -m bench.hierarchy_networks --set fashion --modality image --backbones 3 --work CACHE --out t.json

The backbones are trained from scratch on the training rows (no pre-trained weights are used) and kept
in --work; a second call reuses them. A backbone of another seed also gets another split, where the set
has no split of its own. Baseline: a tower of the same width for every level, nothing shared. "heads": each
level by itself; "joined": softmaxes among siblings down the path, what a trained network answers; "experts":
the levels' softmaxes multiplied along each leaf's path (where all leaves are on one level). Each row is the
mean over backbones and seeds of the heads; the gain is paired by product, its 95 % interval by bootstrap
over the backbones and, within each, over the test products. With --images, operating curves are drawn.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from bench._trees import CONFIDENCES, SETS, open_set, title_settings
from bench.plots import bands
from mep3m.dataset.reading import open_products
from mep3m.dataset.splits import split_products
from mep3m.evaluation.hierarchy import operating_curve, score_hierarchy
from mep3m.label_tree.probabilities import from_heads, from_siblings, softmax
from mep3m.label_tree.tree import LabelTree
from mep3m.models.features import frozen_features, open_backbone
from mep3m.models.inputs.columns import Inputs, Stored
from mep3m.models.networks.hierarchy import HierarchyHeads
from mep3m.product import Label, Product, to_table
from mep3m.settings.network import NetworkSettings
from mep3m.settings.run import Hierarchy, RunSettings
from mep3m.settings.sources import Columns
from mep3m.settings.training import TrainingSettings
from mep3m.store.images import FolderImages
from mep3m.store.json_files import write_json
from mep3m.training.frozen import train_heads
from mep3m.training.loop.clock import RunClock
from mep3m.training.network import train_network
from mep3m.training.network_presets import SMALL
from mep3m.training.task import Task

ORDERS: tuple[Hierarchy, ...] = ("flat", "coarse-to-fine", "fine-to-coarse", "coarse-and-fine")
#: what the losses that know the tree are tried with
ALONG_THE_TREE: tuple[Hierarchy, ...] = ("coarse-to-fine",)
DATA = Path(os.environ.get("MEP3M_DATA", "../shared/data"))
HEADS = TrainingSettings(epochs=10, batch=128, learning_rate=1e-3, average=None, label_smoothing=0.0)
#: passes over the training images: minutes on one core
IMAGE_EPOCHS = {"fashion": 8, "grocery": 15}
TITLE = TrainingSettings(epochs=6, batch=128, checkpoint_seconds=60)
MODALITIES = {"image": ("image",), "text": ("title",), "both": ("image", "title")}


def labelled(products: pa.Table) -> pa.Table:
    """Return the rows with the shop's path as labels, which is what `train_network` reads."""
    labels = [
        [{"category": name, "origin": "given", "by": "file", "confidence": None} for name in path or []]
        for path in products["source_path"].to_pylist()
    ]
    place = products.schema.get_field_index("labels")
    return products.set_column(place, "labels", pa.array(labels, products.schema.field("labels").type))


def fashion(seed: int) -> tuple[pa.Table, FolderImages, np.ndarray]:
    """Return 7.6k fashion products, their images, and which rows are for testing (grouped, 20 %)."""
    root = DATA / "img_fashion_9583"
    names = ("masterCategory", "subCategory", "articleType")
    opened = open_products(root / "labels.tsv", Columns(id="id", title="title", labels=names))
    ids = opened.products["id"].to_pylist()
    files = [f"images/{name.rsplit(':', 1)[-1].rsplit('/', 1)[-1]}.jpg" for name in ids]
    place = opened.products.schema.get_field_index("image_ref")
    products = labelled(opened.products.set_column(place, "image_ref", pa.array(files)))
    split = split_products(products, "grouped", 0.2, seed)
    test = np.zeros(products.num_rows, dtype=bool)
    test[split.rows(ids)[1]] = True
    return products, FolderImages(root), test


def grocery() -> tuple[pa.Table, FolderImages, np.ndarray]:
    """Return natural grocery images under folder paths of 2 or 3 levels; the test rows are its val file."""
    root = DATA / "img_grocery_store"
    rows, test = [], []
    for name in ("train", "val"):
        for line in (root / f"{name}.txt").read_text().splitlines():
            file = line.split(",")[0].strip()
            labels = tuple(Label(part, "given", "folder") for part in file.split("/")[1:-1])
            rows.append(Product(id=file, source="grocery", source_id=file, image_ref=file, labels=labels))
            test.append(name == "val")
    return to_table(rows), FolderImages(root), np.array(test)


def titles(name: str, seed: int) -> tuple[pa.Table, None, np.ndarray]:
    """Return the titles of a set of `bench._trees`, and which rows are for testing."""
    sides = open_set(name, seed)
    test = np.repeat([False, True], [len(side) for side in sides])
    return labelled(pa.concat_tables([side.products for side in sides])), None, test


def open_any(name: str, seed: int) -> tuple[pa.Table, FolderImages | None, np.ndarray]:
    """Return the products of a set with their labels, their images, and which rows are for testing."""
    if name == "fashion":
        return fashion(seed)
    return grocery() if name == "grocery" else titles(name, seed)


def features(args: argparse.Namespace, task: Task, seed: int) -> dict[str, Stored]:
    """Return the frozen features by modality, training a backbone from scratch where --work has none."""
    networks = {
        "image": lambda: NetworkSettings(image=SMALL),
        "title": lambda: NetworkSettings(title=title_settings(args.set)),
    }
    epochs = args.image_epochs or IMAGE_EPOCHS.get(args.set, 8)
    image = TrainingSettings(epochs=epochs, batch=64, checkpoint_seconds=60, crop=0.7, seed=seed)
    how = {"image": image, "title": TITLE.model_copy(update={"seed": seed})}
    found = {}
    for name in MODALITIES[args.modality]:
        folder = args.work / f"{args.set}-{name}-{seed}"
        if not (folder / "classifier.json").exists():
            say = lambda line: print(line, flush=True)  # noqa: E731
            train_network(task, networks[name](), how[name], folder, RunClock(say=say))[0].save(folder)
        found[name] = frozen_features(
            open_backbone(folder), task.products, task.images, args.work / "features"
        )
    return found


def run(args: argparse.Namespace) -> dict[str, Any]:
    hits: dict[str, list[list[np.ndarray]]] = {}
    scores: dict[str, list[float]] = {}
    curves: dict[str, list[list[tuple[float, float]]]] = {}
    for backbone in range(args.backbones):
        products, images, test = open_any(args.set, backbone)
        paths = [tuple(label["category"] for label in row) for row in products["labels"].to_pylist()]
        tree = LabelTree.from_paths(path for path, held in zip(paths, test, strict=True) if not held)
        codes = tree.encode(paths)
        train, held = np.flatnonzero(~test), np.flatnonzero(test)
        nobody = np.zeros(0, dtype=np.int64)
        task = Task(products, tree, codes, train, nobody, images, RunSettings(), "bench")
        parts = features(args, task, backbone)
        for name, order, loss in networks_of(args):
            told: dict[str, list[np.ndarray]] = {}
            for seed in range(args.seeds):
                logits = head_logits(args, parts, codes, (train, held), tree, (order, loss, seed))
                for way, values in ways(tree, logits).items():
                    told.setdefault(f"{name} | {way}", []).append(correct(tree, values, codes[held]))
                joined = from_siblings(tree, logits)
                scores.setdefault(name, []).append(score_hierarchy(tree, joined, codes[held]).f1)
                points = operating_curve(tree, joined, codes[held], CONFIDENCES)
                curves.setdefault(name, []).append([(point.informative, point.correct) for point in points])
            for key, runs in told.items():
                hits.setdefault(key, []).append(runs)
            print(backbone, name, np.nanmean(told[f"{name} | joined"], axis=(0, 1)).round(4), flush=True)
    return {
        "set": args.set,
        "modality": args.modality,
        "rows": table(hits, scores),
        "test": len(held),
        "nodes": np.diff(tree.starts).tolist(),
        "curves": curves,
    }


def networks_of(args: argparse.Namespace) -> list[tuple[str, Hierarchy, str]]:
    """Return (name, order, loss) of the networks to compare, the baseline first."""
    return [
        (order if loss == "cross_entropy" else f"{order}, {loss}", order, loss)
        for loss in args.losses
        for order in (ORDERS if loss == "cross_entropy" else ALONG_THE_TREE)
    ]


def head_logits(
    args: argparse.Namespace,
    parts: dict[str, Stored],
    codes: np.ndarray,
    sides: tuple[np.ndarray, np.ndarray],
    tree: LabelTree,
    which: tuple[Hierarchy, str, int],
) -> np.ndarray:
    """Return the (held, C) logits of heads trained on the features of the training side."""
    order, loss, seed = which
    torch.manual_seed(seed)
    width = sum(int(part.values.shape[1]) for part in parts.values())
    settings = NetworkSettings(hierarchy=order, dropout=0.2)
    training = HEADS.model_copy(update={"seed": seed, "loss": loss})
    head = HierarchyHeads(width, np.diff(tree.starts).tolist(), order, (args.hidden,), 0.2)
    with tempfile.TemporaryDirectory() as folder:
        network = train_heads(parts, codes, sides[0], tree, settings, training, Path(folder), head)
    with torch.no_grad():
        logits: np.ndarray = network.eval()(Inputs(parts).take(sides[1])).float().numpy()
    return logits


def ways(tree: LabelTree, logits: np.ndarray) -> dict[str, np.ndarray]:
    """Return what a level is answered by: its own head, the joined tree, and experts along the path."""
    found = {"heads": logits, "joined": from_siblings(tree, logits)}
    if all(len(tree.paths[leaf]) == tree.depth for leaf in tree.leaves):
        levels = [logits[:, tree.nodes(level)] for level in range(1, tree.depth + 1)]
        found["experts"] = from_heads(tree, [np.log(softmax(part) + 1e-9) for part in levels])
    return found


def correct(tree: LabelTree, values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return (N, depth): 1 where the best node of a level is the true one, nan where there is no label."""
    right = np.full(codes.shape, np.nan)
    for level in range(tree.depth):
        nodes = tree.nodes(level + 1)
        known = codes[:, level] >= 0
        right[known, level] = values[known, nodes].argmax(1) + nodes.start == codes[known, level]
    return right


def table(hits: dict[str, list[list[np.ndarray]]], scores: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Return one row a network: top-1 of each level, and its gain over the flat heads with interval.

    `hits` holds, for each backbone, one array of `correct` for each seed of the heads.
    """
    base = hits["flat | heads"]
    rows = []
    for name, backbones in hits.items():
        paired = zip(backbones, base, strict=True)
        gain = [np.mean(np.stack(runs) - np.stack(flat), axis=0) for runs, flat in paired]
        low, high = np.percentile(resampled(gain), [2.5, 97.5], axis=0)
        each = np.stack([np.nanmean(np.stack(runs), axis=(0, 1)) for runs in backbones])
        rows.append(
            {
                "network": name,
                "top1": each.mean(0).round(4).tolist(),
                "spread": each.std(0).round(4).tolist(),
                "gain": (100 * np.nanmean(np.concatenate(gain), axis=0)).round(2).tolist(),
                "low": (100 * low).round(2).tolist(),
                "high": (100 * high).round(2).tolist(),
                "f1": round(float(np.mean(scores[name.split(" | ")[0]])), 4),
            }
        )
    return rows


def resampled(gain: list[np.ndarray], draws: int = 1000) -> np.ndarray:
    """Return (draws, depth) mean gains, drawn over the backbones and over the products of each."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(draws):
        chosen = [gain[place] for place in rng.integers(0, len(gain), len(gain))]
        found.append(
            np.nanmean(np.concatenate([part[rng.integers(0, len(part), len(part))] for part in chosen]), 0)
        )
    return np.stack(found)


def show(result: dict[str, Any]) -> None:
    depth = len(result["nodes"])
    print(f"\n{result['set']}, {result['modality']}, {result['test']:,} test rows, nodes {result['nodes']}\n")
    print("| network | " + " | ".join(f"level {k + 1}" for k in range(depth)) + " | hF (joined) |")
    print("|---|" + "---|" * (depth + 1))
    for row in result["rows"]:
        cells = [
            f"{100 * top:.2f} ± {100 * spread:.2f} ({gain:+.2f}, {low:+.2f} to {high:+.2f})"
            for top, spread, gain, low, high in zip(
                row["top1"], row["spread"], row["gain"], row["low"], row["high"], strict=True
            )
        ]
        print(f"| {row['network']} | " + " | ".join(cells) + f" | {row['f1']:.4f} |")


def draw(result: dict[str, Any], folder: Path) -> None:
    """Draw correct against informative of the baseline and of coarse to fine, bands over all runs."""
    series = {}
    for name in ("coarse-to-fine", "flat"):
        points = np.array(result["curves"][name])
        centre, low, high = points.mean(0), points[..., 1].min(0), points[..., 1].max(0)
        series[name] = [(x, y, a, b) for (x, y), a, b in zip(centre.tolist(), low, high, strict=True)]
    what = f"{result['set']}-{result['modality']}"
    axes = ("informative (1: a leaf, 0: no answer)", "correct")
    bands(folder / f"back-off-network-{what}.svg", f"{what}: back-off of networks", axes, series)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", choices=("grocery", *SETS, "simulator"), default="fashion")
    parser.add_argument("--modality", choices=tuple(MODALITIES), default="image")
    parser.add_argument("--losses", nargs="+", default=["cross_entropy"])
    parser.add_argument("--backbones", type=int, default=1)
    parser.add_argument("--image-epochs", type=int, help="passes over the images (fashion 8, grocery 15)")
    parser.add_argument("--seeds", type=int, default=2, help="heads for each backbone")
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--images", type=Path, help="folder for the operating curves")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args(arguments)
    result = run(args)
    show(result)
    if args.images:
        draw(result, args.images)
    if args.out:
        write_json(args.out, result)


if __name__ == "__main__":
    main()
