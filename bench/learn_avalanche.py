"""`learn` beside the class-incremental methods of Avalanche, on the same vectors of the same increments.

    MEP3M_AVALANCHE=PYTHON python -m bench.learn_avalanche --work FOLDER [--seeds 0,1,2,3,4] [--cache FOLDER]
        [--methods ridge,finetune] [--peers replay,SLDA]

Groceries and the draws of `bench.learn`: a seed draws 50 of the 81 classes as new, with ten photos each,
in five increments. A peer gets the vectors that the head of `learn` gets: the features of the recommended
default, standardised on the photos of the trained classes, of unit length. PYTHON is that of an environment
with `avalanche-lib`, which runs `bench/learn_avalanche_side.py`; without it only `learn` is measured. Printed
are points with 95 % t-intervals over the seeds: accuracy on trained and new classes and all after one
increment and after five, what the trained classes have lost since a method's own training, and processor
seconds of the five increments; and `ridge` minus each other, seed by seed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from bench.learn import FromFeatures, Plan, by_parts, plan, remembered, trained
from mep3m.arrays import unit_length

SIDE = Path(__file__).with_name("learn_avalanche_side.py")
SCORES = ("trained", "new", "all", "lost")


def write_vectors(made: Plan, model: FromFeatures, out: Path) -> dict[str, Any]:
    """Write the vectors of the rows as the side script reads them; return the classes of the test rows."""
    parts = [made.open(table) for table in (made.old, *made.steps)]
    places: dict[tuple[str, ...], int] = {}
    for part in parts:
        for path in sorted(set(part.dataset.paths)):
            places[path] = len(places)
    test = made.open(made.test)
    vectors = [unit_length(model.predict_encoded(part.products, None)[1])[0] for part in (*parts, test)]
    np.savez(
        out,
        x=np.concatenate(vectors[:-1]),
        y=np.array([places[path] for part in parts for path in part.dataset.paths]),
        increments=np.repeat(np.arange(len(parts)), [len(part.dataset.paths) for part in parts]),
        asked=vectors[-1],
    )
    ends = np.cumsum([len(set(part.dataset.paths)) for part in parts]).tolist()
    return {"truth": [places[path] for path in test.dataset.paths], "known": ends}


def scored(
    told: Sequence[dict[str, Any]], truth: Sequence[int], known: Sequence[int]
) -> list[dict[str, Any]]:
    """Return a peer's scores after each increment, over the test rows of classes learned so far."""
    y = np.array(truth)
    right = [np.array(one["answers"]) == y for one in told]
    old = y < known[0]
    first, scores = right[0][old].mean(), []
    for now, end, one in zip(right[1:], known[1:], told[1:], strict=True):
        values = (now[old].mean(), now[~old & (y < end)].mean(), now[y < end].mean(), first - now[old].mean())
        scores.append(dict(zip(SCORES, map(float, values), strict=True)) | {"seconds": one["seconds"]})
    return scores


def one(seed: int, work: Path, cache: Path, methods: Sequence[str], peers: str | None) -> dict[str, Any]:
    """Return the scores of every method on one draw, after each increment."""
    made = plan("grocery", seed, work)
    base = trained(made, made.old, work / "run", cache)
    steps, test = [made.open(step) for step in made.steps], made.open(made.test)
    start = remembered(base, [made.open(made.joint), test], cache)
    base = replace(base, classifier=start)
    own = work / "own.json"
    found = json.loads(own.read_text()) if own.exists() else {}
    found |= {one: by_parts(base, steps, test, one, work) for one in methods if one not in found}
    own.write_text(json.dumps(found))
    if python := os.environ.get("MEP3M_AVALANCHE"):
        asked = write_vectors(made, start, work / "vectors.npz")
        command = [python, str(SIDE), str(work / "vectors.npz"), str(work / "side.json"), str(seed)]
        subprocess.run(command + ([peers] if peers else []), check=True, stdout=subprocess.DEVNULL)
        for name, told in json.loads((work / "side.json").read_text()).items():
            found[f"{name} (Avalanche)"] = scored(told, **asked)
    return found


def interval(values: Sequence[float], digits: int = 1) -> str:
    """Return the mean and the half width of its 95 % t-interval; of one value the value."""
    many = np.array(values, dtype=float)
    if len(many) == 1:
        return f"{many[0]:.{digits}f}"
    half = stats.t.ppf(0.975, len(many) - 1) * many.std(ddof=1) / np.sqrt(len(many))
    return f"{many.mean():.{digits}f} ± {half:.{digits}f}"


def summary(results: Sequence[dict[str, Any]]) -> None:
    """Print the table, and the differences to `ridge`."""
    print("| method | after 1: trained | new | all | after 5: trained | new | all | lost | processor s |")
    print("|" + "---|" * 9)
    for name in results[0]:
        cells = [interval([100 * one[name][0][score] for one in results]) for score in SCORES[:3]]
        cells += [interval([100 * one[name][-1][score] for one in results]) for score in SCORES]
        cells.append(f"{np.mean([sum(step['seconds'] for step in one[name]) for one in results]):.1f}")
        print(f"| {name} | " + " | ".join(cells) + " |")
    for name in [*results[0]][1:]:
        gaps = {
            score: [100 * (one["ridge"][-1][score] - one[name][-1][score]) for one in results]
            for score in SCORES
        }
        told = (f"{score} {interval(gap)} (each {np.round(gap, 1).tolist()})" for score, gap in gaps.items())
        print(f"ridge − {name}: " + ", ".join(told))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--cache", type=Path)
    parser.add_argument(
        "--methods", default="ridge,finetune,prototypes", help="of mep3m; ridge has to be the first"
    )
    parser.add_argument("--peers", help="of Avalanche; all that the side script has unless given")
    options = parser.parse_args()
    if "MEP3M_AVALANCHE" not in os.environ:
        print("Avalanche is skipped: set MEP3M_AVALANCHE to a Python that has avalanche-lib", flush=True)
    cache, results = options.cache or options.work / "cache", []
    for seed in filter(None, options.seeds.split(",")):
        kept = options.work / f"beside-{seed}.json"
        if not kept.exists():
            made = one(
                int(seed), options.work / f"grocery-{seed}", cache, options.methods.split(","), options.peers
            )
            kept.write_text(json.dumps(made))
        results.append(json.loads(kept.read_text()))
    if results:
        summary(results)


if __name__ == "__main__":
    main()
