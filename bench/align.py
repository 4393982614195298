"""Speed of alignment, measured one step at a time: `python -m bench.align --out R.jsonl --plot growth.svg`.

S_label of all pairs beside a difflib loop and a cydifflib loop (both on a sample of right names,
extrapolated; every ratio ≥ 0.5 of the sample compared); S_content of 599 x 599 categories of 22,000
characters beside a CountVectorizer fitted pair by pair; S_label, and the paper's whole rule, of growing
n x n (`rule`: made names with titles; `crowd`: one name everywhere). Each step has a
process of its own and is kept in R.jsonl: a second call goes on where the first stopped (`--until`).
"""

from __future__ import annotations

import argparse
import difflib
import json
import multiprocessing
import random
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cydifflib
import numpy as np

from bench.alignment.data import rows as rows_of
from bench.alignment.data import shopify_google
from bench.memory import peak
from bench.plots import lines
from mep3m.alignment.paper.rule import propose_paper
from mep3m.alignment.paper.shared_names import label_pairs
from mep3m.alignment.records import Entry, Side
from mep3m.alignment.similarity import content_vectors, words
from mep3m.settings.align import AlignSettings, ContentSettings

THRESHOLD = 0.5
SIZES = (5_000, 10_000, 20_000, 30_000, 40_000, 50_000)
CATEGORIES = 599
TITLES = "zh_titles/suning_jd_taobao_2018/items_dedup.tsv"
Step = tuple[str, int]


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


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


def shopify_names() -> list[str]:
    """Return the names of Shopify's whole tree, the branches without gold included."""
    from bench.alignment.data import read_tree

    tree = read_tree("taxonomies/shopify_google/shopify_2025-08_categories.en.txt", " : ")
    return [path[-1] for path in tree.values()]


def label(run: int, sample: int = 40) -> dict[str, Any]:
    """Measure the three ways in one run; another sample of right names each run."""
    left, right = shopify_names(), [entry.name for entry in shopify_google("en").right]
    few = [right[j] for j in sorted(random.Random(run).sample(range(len(right)), sample))]
    scale = len(right) / len(few)
    plain = loop(difflib.SequenceMatcher, left, few[:1])
    seconds = {
        "mep3m": timed(lambda: ours(left, right)),
        "difflib": timed(lambda: plain.update(loop(difflib.SequenceMatcher, left, few))) * scale,
        "cydifflib": timed(lambda: loop(cydifflib.SequenceMatcher, left, few)) * scale,
    }
    parts = list(label_pairs(left, few, THRESHOLD))
    mine = {(int(i), int(j)): float(ratio) for part in parts for i, j, ratio in zip(*part, strict=True)}
    size = f"{len(left):,} x {len(right):,}"
    return {"s": seconds, "what": size, "same": mine == plain, "compared": len(plain), "mib": peak()}


def content(run: int, pairs: int = 6) -> dict[str, Any]:
    """Measure S_content on real titles drawn into categories, beside pairs fitted one by one."""
    from sklearn.feature_extraction.text import CountVectorizer

    titles = [row["title"] for row in rows_of(TITLES)]
    draw = random.Random(run)
    texts = [[draw.choice(titles) for _ in range(700)] for _ in range(CATEGORIES)]
    settings = ContentSettings()
    words("先 把 词典 读 进来")  # the dictionary is loaded before the clock runs
    picked = [draw.sample(range(CATEGORIES), 2) for _ in range(pairs)]
    total = CATEGORIES * (CATEGORIES - 1) / 2
    cut = {i: words(" ".join(texts[i])[: settings.characters]) for pair in picked for i in pair}

    def cosine(vectorizer: Any, one: Any, other: Any) -> float:
        counts = vectorizer.fit_transform([one, other]).toarray().astype(float)
        return float(counts[0] @ counts[1] / (np.linalg.norm(counts[0]) * np.linalg.norm(counts[1])))

    def fitted() -> list[float]:
        joined = {i: " ".join(texts[i])[: settings.characters] for i in cut}
        return [cosine(CountVectorizer(analyzer=words), joined[i], joined[j]) for i, j in picked]

    def fitted_on_words() -> None:
        for i, j in picked:
            cosine(CountVectorizer(analyzer=list), cut[i], cut[j])

    found: dict[str, Any] = {}
    seconds = {"pairs": timed(lambda: found.update(pairs=fitted())) / pairs * total}
    seconds["pairs, words cut once"] = timed(fitted_on_words) / pairs * total

    def at_once() -> None:
        vectors = content_vectors(texts, settings)
        found["all"] = (vectors @ vectors.T).toarray()

    seconds["mep3m"] = timed(at_once)
    same = bool(np.allclose([found["all"][i, j] for i, j in picked], found["pairs"], atol=1e-12))
    return {"s": seconds, "what": f"{CATEGORIES} x {CATEGORIES}", "same": same, "mib": peak()}


def made_names(count: int) -> list[str]:
    """Return names that are made of two real ones and cut."""
    names = shopify_names()
    draw = random.Random(0)
    return [f"{draw.choice(names)} {draw.choice(names)}"[: draw.randint(8, 24)] for _ in range(count)]


def growth(size: int) -> dict[str, Any]:
    """Measure all pairs of `size` x `size` names, a whole run; the names are made of two real ones."""
    made = made_names(2 * size)
    before, found = peak(), 0

    def work() -> None:
        nonlocal found
        found = ours(made[:size], made[size:])

    seconds = timed(work)
    return {"s": {"mep3m": seconds}, "what": f"{size:,} x {size:,}", "pairs": found, "mib": [before, peak()]}


def rule(size: int) -> dict[str, Any]:
    """Measure the whole rule on `size` x `size` categories of made names with ten real titles each."""
    names = made_names(2 * size)
    return proposed([(name, f"{name} {k}") for k, name in enumerate(names)], size)


def crowd(size: int) -> dict[str, Any]:
    """Measure the rule where every category of both sides bears one name; all have titles."""
    return proposed([("其他", f"{k}") for k in range(2 * size)], size)


def proposed(rows: Sequence[tuple[str, str]], size: int) -> dict[str, Any]:
    """Propose links between the first `size` (name, id) rows and the rest."""
    titles = [row["title"] for row in rows_of(TITLES)]
    draw = random.Random(1)
    entries = [Entry(key, (name,), titles=tuple(draw.choices(titles, k=10))) for name, key in rows]
    words("先 把 词典 读 进来")
    sides = [Side("left", tuple(entries[:size])), Side("right", tuple(entries[size:]))]
    before, found = peak(), {}

    def work() -> None:
        found["links"] = propose_paper(sides, AlignSettings(method="paper"))

    seconds = timed(work)
    accepted = sum(link.accept for link in found["links"])
    what = f"{size:,} x {size:,}"
    return {
        "s": {"mep3m": seconds}, "what": what, "pairs": len(found["links"]), "accepted": accepted,
        "mib": [before, peak()],
    }  # fmt: skip


STEPS: dict[str, Callable[[int], dict[str, Any]]] = {
    "label": label, "content": content, "growth": growth, "rule": rule, "crowd": crowd,
}  # fmt: skip
#: parts that are measured at growing sizes, and what their rows are called
GROWN = {
    "growth": "S_label",
    "rule": "the rule, ten titles a category",
    "crowd": "the rule, one name everywhere",
}


def measure(steps: Sequence[Step], out: Path, until: float) -> list[dict[str, Any]]:
    """Run the steps that `out` does not hold, each in a process of its own, and return all it holds."""
    kept = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    begun = time.monotonic()
    for part, number in steps:
        if any((row["part"], row["number"]) == (part, number) for row in kept):
            continue
        if time.monotonic() - begun > until:
            break
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            kept.append({"part": part, "number": number, **pool.submit(STEPS[part], number).result()})
        with out.open("a") as file:
            file.write(json.dumps(kept[-1]) + "\n")
    return kept


def table(kept: Sequence[dict[str, Any]]) -> list[str]:
    """Return the Markdown table: medians of the runs, and whole runs of growing size."""
    made = ["| what | how | seconds, median (least to most) | times | peak MiB |", "|---|---|---|---|---|"]
    for part, name in (("label", "S_label"), ("content", "S_content")):
        runs = [row for row in kept if row["part"] == part]
        ways = list(runs[0]["s"]) if runs else []
        middle = {way: statistics.median(row["s"][way] for row in runs) for way in ways}
        for way in sorted(ways, key=middle.__getitem__, reverse=True):
            spread = sorted(row["s"][way] for row in runs)
            mine = way == "mep3m"
            same = all(row["same"] for row in runs)
            how = f"{way}, same values: {same}" if mine else f"{way}, extrapolated"
            most = f"{max(row['mib'] for row in runs):,.0f}" if mine else ""
            made.append(
                f"| {name} {runs[0]['what']}, {len(runs)} runs | {how} "
                f"| {middle[way]:,.1f} ({spread[0]:,.1f} to {spread[-1]:,.1f}) "
                f"| {middle[way] / middle['mep3m']:,.0f} | {most} |"
            )
    for row in sorted(
        (row for row in kept if row["part"] in GROWN), key=lambda row: (row["part"], row["number"])
    ):
        kept_of = f", {row['accepted']:,} accepted" if "accepted" in row else ""
        how = f"mep3m, whole run, {row['pairs']:,} pairs kept{kept_of}"
        name = f"{GROWN[row['part']]} {row['what']}"
        made.append(f"| {name} | {how} | {row['s']['mep3m']:,.1f} | | {row['mib'][1]:,.0f} |")
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("align.jsonl"), help="what has been measured")
    parser.add_argument("--parts", default=",".join(STEPS))
    parser.add_argument("--runs", type=int, default=5, help="runs of label; content takes three of them")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="n of each n x n")
    parser.add_argument("--until", type=float, default=1e9, help="begin no step after so many seconds")
    parser.add_argument("--plot", type=Path, help="draw the growth")
    options = parser.parse_args()
    wanted = options.parts.split(",")
    runs = {"label": options.runs, "content": min(options.runs, 3)}
    steps = [(part, run) for part, count in runs.items() if part in wanted for run in range(count)]
    steps += [(part, int(size)) for part in GROWN if part in wanted for size in options.sizes.split(",")]
    kept = measure(steps, options.out, options.until)
    print("\n".join(table(kept)))
    if options.plot:
        grown = sorted((row for row in kept if row["part"] == "growth"), key=lambda row: row["number"])
        series = {
            "seconds": [(row["number"], row["s"]["mep3m"], "") for row in grown],
            "peak MiB": [(row["number"], row["mib"][1], "") for row in grown],
        }
        lines(options.plot, "S_label of all pairs of n x n names", ("n", "seconds; MiB"), series)


if __name__ == "__main__":
    main()
