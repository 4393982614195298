"""Products of no known category: which score tells them apart, on classes that training has not seen.

A part of the classes of each set is left out of training. Of the rest, rows that training has not seen stand for
known products; the rows of the classes left out are of no known category. AUROC: the share of pairs of the two
that a score puts in the right order.

    python -m bench.open_world --data ../shared/data
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_array
from sklearn.metrics import roc_auc_score

from mep3m.assignment.run import Run
from mep3m.dataset.reading import open_products
from mep3m.label_tree.likely_path import likely_paths
from mep3m.label_tree.probabilities import make_coherent
from mep3m.models.linear.classifier import LinearClassifier
from mep3m.models.linear.ngrams import GramVocabulary, encode_texts
from mep3m.models.linear.scores import scores
from mep3m.recipes.classify import train_run
from mep3m.representations.latent import LatentText
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns

#: set -> columns, and the level whose classes are left out
SETS = {
    "zh_titles/retail_30class": (Columns(title="title", labels=("label",)), 1),
    "zh_titles/medical_device_4level": (
        Columns(title="product_name", labels=("level1", "level2", "level3", "standard_name")),
        3,
    ),
    "en_fashion_titles_44k": (
        Columns(title="title", labels=("masterCategory", "subCategory", "articleType")),
        2,
    ),
}


def read_rows(folder: Path, columns: Columns, most: int, seed: int) -> list[tuple[str, ...]]:
    """Return title and labels of each row, every title once."""
    names = [name for name in (columns.title, *columns.labels) if name]
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(folder.glob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                cells = tuple((row[name] or "").strip() for name in names)
                if all(cells[:2]):
                    found.setdefault(cells[0].lower(), cells)
    rows = list(found.values())
    order = np.random.default_rng(seed).permutation(len(rows))[:most]
    return [rows[place] for place in order]


def parts(
    rows: list[tuple[str, ...]], level: int, share: float, seed: int
) -> dict[str, list[tuple[str, ...]]]:
    """Return the rows of training, of known classes and of classes left out (a share of those of a level)."""
    classes = sorted({row[: level + 1][1:] for row in rows})
    draw = np.random.default_rng(seed)
    out = {classes[place] for place in draw.permutation(len(classes))[: max(1, round(share * len(classes)))]}
    known = [row for row in rows if row[1 : level + 1] not in out]
    cut = int(0.7 * len(known))
    return {
        "train": known[:cut],
        "known": known[cut:],
        "new": [row for row in rows if row[1 : level + 1] in out],
    }


def write(path: Path, columns: Columns, rows: list[tuple[str, ...]]) -> Path:
    names = [str(columns.title), *columns.labels]
    path.write_text("\n".join(["\t".join(names), *("\t".join(row) for row in rows)]) + "\n", encoding="utf-8")
    return path


def known_scores(run: Run, train, rows) -> dict[str, np.ndarray]:
    """Return each score of (N,) rows: the larger, the more like what was learned."""
    classifier = run.classifier
    tree = classifier.tree
    proba = make_coherent(tree, classifier.predict(rows.products).proba)
    paths = likely_paths(tree, proba)
    leaves = proba[:, tree.leaves]
    entropy = -(leaves * np.log(np.maximum(leaves, 1e-12))).sum(1)
    found = {
        "most probable leaf": leaves.max(1),
        "first level": paths.chances[:, 0],
        "entropy": -entropy,
    }
    if isinstance(classifier, LinearClassifier):
        texts = encode_texts(rows.products["title"])
        sparse = classifier.vocabulary.all_rows(texts, np.arange(len(texts)))
        raw = scores(sparse, classifier.weights)
        scaled = raw * classifier.scale + classifier.bias
        found["largest raw score, leaves"] = raw[:, tree.leaves].max(1)
        found["largest raw score, level 1"] = raw[:, tree.nodes(1)].max(1)
        found["largest scaled score, leaves"] = scaled[:, tree.leaves].max(1)
        found["energy"] = np.log(np.exp(scaled[:, tree.leaves].astype(np.float64)).sum(1))
    titles = train.products["title"]
    codes = tree.encode(
        [tuple(label["category"] for label in row) for row in train.products["labels"].to_pylist()]
    )
    leaf, answered = codes.max(1), tree.leaves[leaves.argmax(1)]
    same = leaf[None, :] == answered[:, None]
    encoder = LatentText.fit(titles, 256)
    learned, mine = (unit(encoder.project(one)) for one in (titles, rows.products["title"]))
    means = np.stack([unit(learned[leaf == node].mean(0, keepdims=True))[0] for node in np.unique(leaf)])
    found["latent 256: nearest class mean"] = (mine @ means.T).max(1)
    found["latent 256: nearest product"] = (mine @ learned.T).max(1)
    for name, vocabulary in {
        "n-grams": encoder.vocabulary,
        "model's features": classifier.vocabulary,
    }.items():
        left, right = (matrix(vocabulary, one) for one in (rows.products["title"], titles))
        alike = np.asarray((left @ right.T).todense())
        found[f"{name}: nearest product"] = alike.max(1)
        found[f"{name}: fifth nearest"] = np.sort(alike, axis=1)[:, -5]
        found[f"{name}: nearest of the answer"] = np.where(same, alike, 0).max(1)
    for name in ("n-grams: nearest product", "n-grams: nearest of the answer"):
        for other in ("most probable leaf", "energy", "largest raw score, leaves"):
            found[f"{other} + {name}"] = ranks(found[other]) + ranks(found[name])
    return found


def ranks(values: np.ndarray) -> np.ndarray:
    return values.argsort().argsort()


def matrix(vocabulary: GramVocabulary, titles: pa.ChunkedArray) -> csr_array:
    """Return (N, V) tf-idf rows of unit length without the constant feature."""
    texts = encode_texts(titles)
    rows = vocabulary.all_rows(texts, np.arange(len(texts)))
    starts = np.append(rows.starts, len(rows.features))
    return csr_array((rows.values, rows.features, starts), (len(rows), rows.width))[:, :-1]


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--most", type=int, default=12_000)
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    arguments = parser.parse_args()
    for name in arguments.sets:
        columns, level = SETS[name]
        told: dict[str, list[float]] = {}
        for seed in range(arguments.seeds):
            rows = read_rows(arguments.data / name, columns, arguments.most, seed)
            with tempfile.TemporaryDirectory() as scratch:
                cut = parts(rows, level, arguments.share, seed)
                files = {part: write(Path(scratch) / f"{part}.tsv", columns, cut[part]) for part in cut}
                train = open_products(files["train"], columns)
                train_run(train, columns, None, RunSettings(seed=seed), Path(scratch) / "run")
                run = Run.open(Path(scratch) / "run")
                both = write(Path(scratch) / "both.tsv", columns, cut["known"] + cut["new"])
                found = known_scores(run, train, open_products(both, columns))
                truth = np.arange(len(cut["known"]) + len(cut["new"])) < len(cut["known"])
                for score, values in found.items():
                    told.setdefault(score, []).append(float(roc_auc_score(truth, values)))
            print(name, seed, {part: len(rows) for part, rows in cut.items()}, flush=True)
        for score, values in sorted(told.items(), key=lambda item: -np.mean(item[1])):
            print(f"| {name} | {score} | {np.mean(values):.3f} | {min(values):.3f} |", flush=True)


if __name__ == "__main__":
    main()
