"""Speed of alignment: `python -m bench.align --out RESULT.json` (a Markdown table on standard output).

S_label of all pairs beside a difflib loop (measured on a sample of right names, extrapolated) and a
cydifflib loop (the same sample), with the equality of every ratio ≥ 0.5 of the sample checked; S_content
of 599 x 599 categories of 22,000 characters beside a CountVectorizer fitted pair by pair; growth.
"""

from __future__ import annotations

import argparse
import difflib
import json
import random
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cydifflib
import numpy as np

from bench.alignment.data import rows, shopify_google
from mep3m.settings.align import ContentSettings
from mep3m.stages.align.similarity import content_vectors, label_pairs, words

THRESHOLD = 0.5
RUNS = 3


def timed(work: Callable[[], object], runs: int = RUNS) -> float:
    """Return the median seconds of several runs."""
    took = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def loop(matcher: type, left: Sequence[str], right: Sequence[str]) -> dict[tuple[int, int], float]:
    """Return every ratio ≥ 0.5 by the plain loop, the right name indexed once as difflib advises."""
    found = {}
    one = matcher(None, "", "")
    for j, name in enumerate(right):
        one.set_seq2(name)
        for i, other in enumerate(left):
            one.set_seq1(other)
            if (ratio := one.ratio()) >= THRESHOLD:
                found[i, j] = ratio
    return found


def ours(left: Sequence[str], right: Sequence[str]) -> int:
    return sum(len(part[0]) for part in label_pairs(left, right, THRESHOLD))


def label_rows(sample: int) -> list[dict[str, object]]:
    """Return the table of S_label: seconds for all pairs, and whether the sample agrees."""
    case = shopify_google("en")
    every = shopify_names()
    left, right = every, [entry.name for entry in case.right]
    picked = sorted(random.Random(0).sample(range(len(right)), sample))
    few = [right[j] for j in picked]
    scale = len(right) / len(few)
    plain = timed(lambda: loop(difflib.SequenceMatcher, left, few), 1) * scale
    cython = timed(lambda: loop(cydifflib.SequenceMatcher, left, few)) * scale
    fast = timed(lambda: ours(left, right))
    parts = list(label_pairs(left, few, THRESHOLD))
    mine = {(int(i), int(j)): float(ratio) for part in parts for i, j, ratio in zip(*part, strict=True)}
    same = mine == loop(difflib.SequenceMatcher, left, few)
    size = f"{len(left):,} x {len(right):,}"
    return [
        {
            "what": f"S_label {size}",
            "how": f"difflib loop ({sample} columns, extrapolated)",
            "s": plain,
            "x": 1.0,
        },
        {
            "what": f"S_label {size}",
            "how": f"cydifflib loop ({sample} columns, extrapolated)",
            "s": cython,
            "x": plain / cython,
        },
        {
            "what": f"S_label {size}",
            "how": f"mep3m, all pairs (identical: {same})",
            "s": fast,
            "x": plain / fast,
        },
    ]


def shopify_names() -> list[str]:
    """Return the names of Shopify's whole tree, the branches without gold included."""
    from bench.alignment.data import read_tree

    tree = read_tree("taxonomies/shopify_google/shopify_2025-08_categories.en.txt", " : ")
    return [path[-1] for path in tree.values()]


def content_rows(categories: int, pairs: int) -> list[dict[str, object]]:
    """Return the table of S_content, on real titles drawn into categories of 22,000 characters."""
    from sklearn.feature_extraction.text import CountVectorizer

    titles = [row["title"] for row in rows("zh_titles/suning_jd_taobao_2018/items_dedup.tsv")]
    draw = random.Random(0)
    texts = [[draw.choice(titles) for _ in range(700)] for _ in range(categories)]
    settings = ContentSettings()

    def pair_by_pair() -> None:
        for _ in range(pairs):
            one, other = draw.sample(texts, 2)
            joined = [" ".join(text)[: settings.characters] for text in (one, other)]
            counts = CountVectorizer(analyzer=words).fit_transform(joined).toarray().astype(float)
            counts[0] @ counts[1] / (np.linalg.norm(counts[0]) * np.linalg.norm(counts[1]))

    def at_once() -> None:
        vectors = content_vectors(texts, settings)
        (vectors @ vectors.T).toarray()

    total = categories * (categories - 1) / 2
    plain = timed(pair_by_pair, 1) / pairs * total
    fast = timed(at_once, 1)
    what = f"S_content {categories} x {categories}, 22,000 characters"
    return [
        {"what": what, "how": f"CountVectorizer a pair ({pairs} pairs, extrapolated)", "s": plain, "x": 1.0},
        {"what": what, "how": "mep3m, all pairs", "s": fast, "x": plain / fast},
    ]


def growth_rows(sizes: Sequence[int], columns: int) -> list[dict[str, object]]:
    """Return seconds and peak memory of S_label for growing n x n (names drawn from real ones).

    At most `columns` right names are computed, and the seconds extrapolated to all n: the work is
    a sum over right names. The peak is that of the columns computed, not of a whole run.
    """
    names = shopify_names()
    draw = random.Random(0)
    made = []
    for size in sizes:
        drawn = [f"{draw.choice(names)} {draw.choice(names)}"[: draw.randint(8, 24)] for _ in range(2 * size)]
        left, right = drawn[:size], drawn[size:][:columns]
        seconds = timed(lambda n=left, m=right: ours(n, m), 1) * size / len(right)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        how = f"mep3m, {len(right):,} columns" + (", extrapolated" if len(right) < size else "")
        made.append(
            {
                "what": f"S_label {size:,} x {size:,}",
                "how": f"{how}, peak {peak:.2f} GB",
                "s": seconds,
                "x": None,
            }
        )
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--parts", default="label,content,growth")
    parser.add_argument("--sizes", default="5000,10000,20000,50000")
    parser.add_argument("--sample", type=int, default=30)
    parser.add_argument("--pairs", type=int, default=20, help="pairs of S_content computed one by one")
    parser.add_argument("--columns", type=int, default=2000, help="right names computed for growth")
    options = parser.parse_args()
    table: list[dict[str, object]] = []
    if "label" in options.parts:
        table += label_rows(options.sample)
    if "content" in options.parts:
        table += content_rows(599, options.pairs)
    if "growth" in options.parts:
        table += growth_rows([int(size) for size in options.sizes.split(",")], options.columns)
    print("| what | how | seconds | times |\n|---|---|---|---|")
    for row in table:
        times = f"{row['x']:.0f}" if row["x"] else ""
        print(f"| {row['what']} | {row['how']} | {row['s']:.2f} | {times} |")
    if options.out:
        options.out.write_text(json.dumps(table, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
