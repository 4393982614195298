"""Products of no known category: which score tells them apart, on classes that training has not seen.

A part of the classes of each set is left out of training. Of the rest, rows that training has not seen stand
for known products; the rows of the classes left out are of no known category. First, for shares of known
products that may be called of no known category: known rows called so, new rows called so, known rows filed,
and new rows filed, under a promise of .95. Then the AUROC of each score (mean, smallest): the share of pairs
of a known and a new row that it puts in the right order.

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
from mep3m.dataset.reading import Opened, open_products
from mep3m.evaluation import guarantees
from mep3m.label_tree.likely_path import LikelyPaths, likely_paths
from mep3m.label_tree.probabilities import deepest, make_coherent
from mep3m.models.linear.classifier import LinearClassifier
from mep3m.models.linear.latent import LatentText
from mep3m.models.linear.ngrams import GramVocabulary, encode_texts
from mep3m.models.linear.scores import scores
from mep3m.recipes.classify import train_run
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


def known_scores(run: Run, train: Opened, rows: Opened) -> dict[str, np.ndarray]:
    """Return each score of (N,) rows: the larger, the more like what was learned."""
    classifier = run.classifier
    assert isinstance(classifier, LinearClassifier)
    assert run.novelty is not None
    tree = classifier.tree
    asked, titles = rows.products["title"], train.products["title"]
    proba = make_coherent(tree, classifier.predict(rows.products).proba)
    leaves = proba[:, tree.leaves]
    sparse = classifier.vocabulary.all_rows(encode_texts(asked), np.arange(len(asked)))
    raw = scores(sparse, classifier.weights)
    scaled = (raw * classifier.scale + classifier.bias)[:, tree.leaves].astype(np.float64)
    codes = tree.encode(train.dataset.paths)
    leaf, answered = codes.max(1), tree.leaves[leaves.argmax(1)]
    same = leaf[None, :] == answered[:, None]
    encoder = LatentText.fit(titles, 256)
    learned, mine = (unit(encoder.project(one)) for one in (titles, asked))
    means = np.stack([unit(learned[leaf == node].mean(0, keepdims=True))[0] for node in np.unique(leaf)])
    alike = np.asarray((matrix(encoder.vocabulary, asked) @ matrix(encoder.vocabulary, titles).T).todense())
    found = {
        "most probable leaf": leaves.max(1),
        "first level": likely_paths(tree, proba).chances[:, 0],
        "entropy": (leaves * np.log(np.maximum(leaves, 1e-12))).sum(1),
        "largest raw score": raw[:, tree.leaves].max(1),
        "energy": np.log(np.exp(scaled).sum(1)),
        "latent: nearest class mean": (mine @ means.T).max(1),
        "latent: nearest product": (mine @ learned.T).max(1),
        "n-grams: nearest product": alike.max(1),
        "n-grams: nearest of the answer": np.where(same, alike, 0).max(1),
        "mep3m": run.novelty.known(tree, proba, asked),
    }
    found["leaf and nearest product, ranks"] = ranks(found["most probable leaf"]) + ranks(alike.max(1))
    return found


def decisions(run: Run, rows: Opened, known: np.ndarray) -> list[str]:
    """Return what is called of no known category, and what a promise files, as cells of a table.

    The promise is made of half of the known rows (`known` (N,) bool): no audit has seen a new category.
    """
    assert run.novelty is not None
    tree = run.classifier.tree
    proba = make_coherent(tree, run.classifier.predict(rows.products).proba)
    share = run.novelty.known(tree, proba, rows.products["title"])
    paths = likely_paths(tree, proba)
    truth = deepest(tree.encode(rows.dataset.paths))
    half = np.flatnonzero(known)[::2]
    cells = []
    for least in (0.0, 0.01, 0.02, 0.05):
        chances = np.where((share <= least)[:, None], 0, paths.chances)
        kept = LikelyPaths(paths.nodes, chances)
        proof = guarantees.prove(guarantees.audit(tree, kept, truth).take(half), 0.95, 0.95)
        filed = chances[:, 0] >= (proof.threshold if proof else 2)
        none = share <= least
        values = (none[known].mean(), none[~known].mean(), filed[known].mean(), filed[~known].mean())
        cells.append(f"{least:g} | " + " | ".join(f"{value:.3f}" for value in values))
    return cells


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
            cut = parts(rows, level, arguments.share, seed)
            with tempfile.TemporaryDirectory() as scratch:
                files = {part: write(Path(scratch) / f"{part}.tsv", columns, cut[part]) for part in cut}
                train = open_products(files["train"], columns)
                train_run(train, columns, None, RunSettings(seed=seed), Path(scratch) / "run")
                run = Run.open(Path(scratch) / "run")
                both = write(Path(scratch) / "both.tsv", columns, cut["known"] + cut["new"])
                opened = open_products(both, columns)
                known = np.arange(len(cut["known"]) + len(cut["new"])) < len(cut["known"])
                for score, values in known_scores(run, train, opened).items():
                    told.setdefault(score, []).append(float(roc_auc_score(known, values)))
                print(name, seed, {part: len(rows) for part, rows in cut.items()}, flush=True)
                for cells in decisions(run, opened, known):
                    print(f"| {name} {seed} | {cells} |", flush=True)
        for score, found in sorted(told.items(), key=lambda item: -float(np.mean(item[1]))):
            print(f"| {name} | {score} | {np.mean(found):.3f} | {min(found):.3f} |", flush=True)


if __name__ == "__main__":
    main()
