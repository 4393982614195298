"""How often promises of precision are kept: repeated audits of real titles, beside thresholds without a test.

Models are trained on a part of each set, and the rest is what comes in. Each repeat takes an audit from
the rest and makes a promise. It is kept if what it files is that precise: in all of the rest, from
which the audit was drawn with replacement (`kept`: no noise), and in the rows that the audit left over, where
it was drawn without (`on a split`: with the noise of so many filings). `oracle`: the coverage of the best λ
chosen with the labels of all of the rest.

    python -m bench.guarantee --data ../shared/data/zh_titles --plot docs/log/guarantee
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench import plots
from mep3m.assignment.run import Run
from mep3m.dataset.reading import open_products
from mep3m.evaluation import guarantees
from mep3m.evaluation.guarantees import Audited, Proof
from mep3m.recipes.audit import read_audit
from mep3m.recipes.classify import train_run
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns

SETS = {
    "retail_30class": Columns(title="title", labels=("label",)),
    "medical_device_4level": Columns(
        title="product_name", labels=("level1", "level2", "level3", "standard_name")
    ),
}
PROMISED = (0.95, 0.97, 0.99)
CONFIDENCE = 0.95
#: method -> threshold for an audit and a precision, `None` where it files nothing
METHODS: dict[str, Callable[[Audited, float], Proof | None]] = {
    "promise": lambda audit, precision: guarantees.prove(audit, precision, CONFIDENCE),
    "empirical": lambda audit, precision: guarantees.empirical(audit, precision, CONFIDENCE),
    "score >= .9": lambda audit, precision: guarantees.at(audit, 0.9, CONFIDENCE),
}


def pools(folder: Path, columns: Columns, models: int, share: float) -> list[Audited]:
    """Train models on random parts of a set, and return what thresholds do to the rest of it."""
    names = [name for name in (columns.title, *columns.labels) if name]
    rows = []
    for path in sorted(folder.glob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            read = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            rows += [[(row[name] or "").strip() for name in names] for row in read]
    rows = [row for row in rows if row[0] and row[1]]
    found = []
    for seed in range(models):
        order = np.random.default_rng(seed).permutation(len(rows))
        cut = int(share * len(rows))
        with tempfile.TemporaryDirectory() as scratch:
            parts = {"train": order[:cut], "rest": order[cut:]}
            for name, mine in parts.items():
                lines = ["\t".join(names), *("\t".join(rows[row]) for row in mine)]
                (Path(scratch) / f"{name}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
            opened = open_products(Path(scratch) / "train.tsv", columns)
            train_run(opened, columns, None, RunSettings(seed=seed), Path(scratch) / "run")
            run = Run.open(Path(scratch) / "run")
            held = read_audit(run, run.read(Path(scratch) / "rest.tsv", ids=False))
            print(
                f"{folder.name}, model {seed}: {cut:,} rows of training, the rest {held.counts}", flush=True
            )
            found.append(held.audited())
    return found


def share_right(audited: Audited, threshold: float) -> tuple[float, float]:
    """Return coverage and precision (1 where nothing is filed) of a threshold."""
    filed = int((audited.files >= threshold).sum())
    errors = int((audited.errs >= threshold).sum())
    return filed / len(audited.files), 1 - errors / filed if filed else 1.0


def measure(pool: list[Audited], size: int, precision: float, repeats: int) -> dict[str, dict[str, float]]:
    """Return the means of `repeats` audits of `size` rows, for each method."""
    found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in METHODS}
    best = [guarantees.empirical(one, precision, CONFIDENCE) for one in pool]
    for repeat in range(repeats):
        rest = pool[repeat % len(pool)]
        oracle = best[repeat % len(pool)]
        random = np.random.default_rng([repeat, size])
        drawn = rest.take(random.integers(0, len(rest.files), size))
        order = random.permutation(len(rest.files))
        for name, choose in METHODS.items():
            proof, split = choose(drawn, precision), choose(rest.take(order[:size]), precision)
            coverage, right = share_right(rest, proof.threshold) if proof else (0.0, 1.0)
            _, realised = share_right(rest.take(order[size:]), split.threshold) if split else (0.0, 1.0)
            told = found[name]
            told["kept"].append(right >= precision)
            told["split"].append(realised >= precision)
            told["given"].append(proof is not None)
            told["coverage"].append(coverage)
            told["oracle"].append(oracle.coverage if oracle else 0.0)
            if coverage:
                told["right"].append(right)
    return {name: _means(told) for name, told in found.items()}


def _means(told: dict[str, list[float]]) -> dict[str, float]:
    means = {name: float(np.mean(values)) for name, values in told.items()}
    low, high = np.quantile(told["right"], [0.05, 0.95]).tolist() if told["right"] else (np.nan, np.nan)
    return means | {"low": low, "high": high}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/zh_titles"))
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--models", type=int, default=3)
    parser.add_argument("--train-share", type=float, default=0.3)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 2000, 5000])
    parser.add_argument("--plot", type=Path, help="Write NAME-<set>.svg.")
    arguments = parser.parse_args()
    for name, columns in SETS.items():
        pool = pools(arguments.data / name, columns, arguments.models, arguments.train_share)
        print("| set | audit | promised | method | given | kept | on a split | right | coverage | oracle |")
        print("|---|---|---|---|---|---|---|---|---|---|")
        drawn: dict[str, list[tuple[float, float, float, float]]] = defaultdict(list)
        for size in arguments.sizes:
            for precision in PROMISED:
                for method, told in measure(pool, size, precision, arguments.repeats).items():
                    print(
                        f"| {name} | {size:,} | {precision} | {method} | {told['given']:.2f} | "
                        f"{told['kept']:.2f} | {told['split']:.2f} | {told.get('right', np.nan):.4f} | "
                        f"{told['coverage']:.3f} | {told['oracle']:.3f} |",
                        flush=True,
                    )
                    if size == max(arguments.sizes) and "right" in told:
                        drawn[method].append((precision, told["right"], told["low"], told["high"]))
        if arguments.plot:
            drawn["as promised"] = [(one, one, one, one) for one in PROMISED]
            path = arguments.plot.parent / f"{arguments.plot.name}-{name}.svg"
            title = f"{name}: realised precision of {arguments.repeats} audits, 5 to 95 %"
            plots.bands(path, title, ("promised", "realised"), drawn)


if __name__ == "__main__":
    main()
