"""What the benches of the tree share: real sets with several levels, and scores of answered paths."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mep3m.dataset.dataset import Dataset
from mep3m.dataset.reading import open_products
from mep3m.dataset.splits import split_products
from mep3m.label_tree.probabilities import by_name, top_paths
from mep3m.label_tree.tree import LabelTree
from mep3m.product import Product, to_table
from mep3m.settings.network import TextSettings
from mep3m.settings.run import HierarchyStrategy, RunSettings
from mep3m.settings.simulator import SimulatorSettings
from mep3m.settings.sources import Columns
from mep3m.simulator import simulate
from mep3m.training.task import Task

DATA = Path(os.environ.get("MEP3M_DATA", "../shared/data"))
#: confidences of the operating curves
CONFIDENCES = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99)
_FASHION = ("masterCategory", "subCategory", "articleType")
SETS: dict[str, tuple[list[str], Columns]] = {
    "medical": (
        [f"zh_titles/medical_device_4level/{name}.tsv" for name in ("val", "test")],
        Columns(title="product_name", labels=("level1", "level2", "level3", "standard_name")),
    ),
    "suning": (
        ["zh_titles/suning_jd_taobao_2018/items_dedup.tsv"],
        Columns(title="title", labels=("l1", "l2", "l3")),
    ),
    "fashion": (["img_fashion_9583/labels.tsv"], Columns(title="title", labels=_FASHION)),
    "toys": (
        ["en_amazon_toys_10k/items.tsv"],
        Columns(id="uniq_id", title="title", path="category_path"),
    ),
    "fashion44": (
        ["en_fashion_titles_44k/styles_with_titles.tsv"],
        Columns(title="title", labels=_FASHION),
    ),
    "instacart": (
        ["en_instacart/products.tsv"],
        Columns(id="product_id", title="name", labels=("department", "aisle")),
    ),
    "taobao": (["zh_titles/taobao_2019/items.tsv"], Columns(title="title", labels=("l1", "l2"))),
}


def open_set(name: str, seed: int) -> tuple[Dataset, Dataset]:
    """Return the training and test side (20 %, duplicates on one side) of a set.

    `simulator` draws four shops (`mep3m simulate`) and takes the true paths of their products.
    """
    products = simulated() if name == "simulator" else _tables(name)
    dataset = Dataset.of(products).labelled()
    return dataset.sides(split_products(dataset.products, "grouped", 0.2, seed))


def _tables(name: str) -> pa.Table:
    files, columns = SETS[name]
    tables = [open_products(DATA / file, columns).products for file in files]
    for place, table in enumerate(tables):
        ids = pa.array([f"{place}/{key}" for key in table["id"].to_pylist()])
        tables[place] = table.set_column(0, table.schema.field("id"), ids)
    return pa.concat_tables(tables)


def title_settings(name: str) -> TextSettings:
    """Return the title encoder of a set: words of English titles, signs of Chinese ones."""
    chinese = name == "simulator" or SETS[name][0][0].startswith("zh_")
    return TextSettings(
        tokeniser="characters" if chinese else "whitespace",
        embedding=64,
        hidden=64,
        max_tokens=32 if chinese or name == "toys" else 16,
    )


def make_task(
    dataset: Dataset, tree: LabelTree, codes: Any, order: HierarchyStrategy, seed: int, options: Any
) -> Task:
    """Return the task of one order with a tenth of the rows for calibration."""
    rows = np.random.default_rng(seed).permutation(len(dataset))
    valid = len(rows) // 10
    settings = RunSettings(hierarchy=order, seed=seed, options=options)
    return Task(dataset.products, tree, codes, rows[valid:], rows[:valid], None, settings, "bench")


def answers_of(tree: LabelTree, proba: NDArray[np.float32]) -> tuple[list[list[str]], list[list[str]]]:
    """Return the most probable leaf's path of every row, and the most probable name of each level."""
    best = top_paths(tree, proba, 1)[0][:, 0]
    levels = []
    for level in range(1, tree.depth + 1):
        names, joined = by_name(tree, proba, level)
        levels.append([names[place] for place in joined.argmax(axis=1)])
    return [list(tree.paths[leaf]) for leaf in best], [list(row) for row in zip(*levels, strict=True)]


def hits(
    paths: list[list[str]], names: list[list[str]], truth: Sequence[tuple[str, ...]]
) -> NDArray[np.float64]:
    """Return (N, depth + 3): is each level's name right (nan: no label); shared, answered, true nodes.

    An answer is cut to the truth's depth. A label that no training row has counts as missed.
    """
    depth = max(len(path) for path in truth)
    found = np.full((len(truth), depth + 3), np.nan)
    for row, (path, answer, told) in enumerate(zip(paths, names, truth, strict=True)):
        for level, name in enumerate(told):
            found[row, level] = level < len(answer) and answer[level] == name
        cut = path[: len(told)]
        same = next((k for k, (a, t) in enumerate(zip(cut, told, strict=False)) if a != t), len(cut))
        found[row, depth:] = same, len(cut), len(told)
    return found


def means(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return top-1 of each level, then hF, of the rows of `hits`."""
    shared, answered, true = found[:, -3:].sum(axis=0)
    return np.append(np.nanmean(found[:, :-3], axis=0), 2 * shared / (answered + true))


def gains(ours: NDArray[np.float64], theirs: NDArray[np.float64], draws: int = 1000) -> NDArray[np.float64]:
    """Return (depth + 1, 3) the difference of the means with its 95 % interval, paired by product."""
    rng = np.random.default_rng(0)
    told = []
    for _ in range(draws):
        rows = rng.integers(0, len(ours), len(ours))
        told.append(means(ours[rows]) - means(theirs[rows]))
    low, high = np.percentile(told, [2.5, 97.5], axis=0)
    return np.stack([means(ours) - means(theirs), low, high], axis=1)


def simulated() -> pa.Table:
    """Return the products of four drawn shops under the true path of each."""
    with tempfile.TemporaryDirectory() as folder:
        options = {"products": 12_000, "platforms": 4, "images": False, "seed": 1, "vague": 0.5}
        simulate(Path(folder) / "world", SimulatorSettings.parse(options, "bench"))
        rows = pq.read_table(Path(folder) / "world" / "truth" / "products.parquet").to_pylist()
    return to_table(
        Product(
            id=f"{row['source']}/{row['source_id']}/{place}",
            source=row["source"],
            source_id=row["source_id"],
            source_path=tuple(row["path"]),
            title=row["title"],
            group=row["group"],
        )
        for place, row in enumerate(rows)
        if row["title"]
    )
