"""What moves a promise: where the search begins, the score, noisy labels, splits, drift; and prediction sets.

python -m bench.guarantee_more --pools /tmp/pools [--only starts scores noise splits drift sets]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from bench.guarantee import CONFIDENCE, Pool, share_right
from mep3m.evaluation import guarantees
from mep3m.evaluation.guarantees import Audited, Proof, fewest, prove
from mep3m.evaluation.promises.sets import calibrate, sets, true_chances
from mep3m.label_tree.probabilities import from_leaves
from mep3m.label_tree.tree import LabelTree

RETAIL, MEDICAL, SIMULATED = "retail_30class", "medical_device_4level", "simulated, drifting"


def files(pools: Path, name: str) -> list[Path]:
    """Return the pools of a set."""
    return sorted(pools.glob(f"{name}-*.npz"))


def outcome(rest: Audited, proof: Proof | None, precision: float) -> tuple[bool, float]:
    """Return whether a promise is kept in `rest`, and its coverage."""
    if proof is None:
        return True, 0.0
    coverage, right = share_right(rest, np.full(len(rest.files), proof.threshold))
    return right >= precision, coverage


def starts(pools: Path, repeats: int) -> None:
    """Coverage by where the search begins."""
    kinds: dict[str, Callable[[float, int], tuple[int, ...]]] = {
        "600": lambda p, n: guarantees.first_rows(p, CONFIDENCE, n)[:1],
        "a quarter": lambda p, n: (max(2 * fewest(p, CONFIDENCE), n // 4),),
        "600 and a quarter": lambda p, n: guarantees.first_rows(p, CONFIDENCE, n),
        "600, 1/8, 1/4, 1/2": lambda p, n: tuple(
            max(guarantees.first_rows(p, CONFIDENCE, n)[0], n // part) for part in (10**9, 8, 4, 2)
        ),
    }
    print(
        "| set | audit | promised | " + " | ".join(kinds) + " | oracle |\n" + "|---" * (4 + len(kinds)) + "|"
    )
    for name in (RETAIL, MEDICAL):
        held = [Pool.load(path).audited for path in files(pools, name)]
        for size in (1000, 5000, 20_000):
            for precision in (0.95, 0.97, 0.99):
                cover: dict[str, list[float]] = {kind: [] for kind in kinds}
                best = [guarantees.empirical(one, precision, CONFIDENCE) for one in held]
                for repeat in range(repeats):
                    rest = held[repeat % len(held)]
                    rows = np.random.default_rng([repeat, size]).integers(0, len(rest.files), size)
                    filed, errors = guarantees.counts(rest.take(rows))
                    of_all, _ = guarantees.counts(rest)
                    for kind, begin in kinds.items():
                        place = guarantees.last_passed(
                            filed, errors, precision, CONFIDENCE, begin(precision, size)
                        )
                        cover[kind].append(of_all[place] / len(rest.files) if place >= 0 else 0.0)
                told = " | ".join(f"{np.mean(values):.3f}" for values in cover.values())
                oracle = np.mean([one.coverage if one else 0.0 for one in best])
                print(f"| {name} | {size:,} | {precision} | {told} | {oracle:.3f} |", flush=True)


def scores(pools: Path, repeats: int) -> None:
    """Coverage on retail by score; a learned one uses half of the audit to learn and half to test."""
    print("| audit | promised | score | given | kept | coverage | oracle |\n" + "|---" * 7 + "|")
    loaded = []
    for path in files(pools, RETAIL):
        held = np.load(path)
        leaves, right = held["leaves"].astype(float), held["nodes"][:, 0] == held["truth"]
        two = np.sort(leaves, axis=1)[:, -2:]
        sure, ratio = held["chances"][:, 0], two[:, 1] / np.maximum(two.sum(axis=1), 1e-9)
        logit = np.log(np.clip(sure, 1e-7, 1 - 1e-7) / (1 - np.clip(sure, 1e-7, 1 - 1e-7)))
        one_hot = np.eye(leaves.shape[1])[held["nodes"][:, 0]]
        features = np.column_stack([logit, np.log(two[:, 1] + 1e-7) - np.log(two[:, 0] + 1e-7), one_hot])
        plain = {"probability": sure, "first of the first two": ratio, "margin": two[:, 1] - two[:, 0]}
        loaded.append((plain, features, right))
    for size in (5000, 20_000):
        for precision in (0.95, 0.97, 0.99):
            told: dict[str, list[tuple[bool, bool, float, float]]] = {}
            for repeat in range(repeats):
                plain, features, right = loaded[repeat % len(loaded)]
                rows = np.random.default_rng([repeat, size]).integers(0, len(right), size)
                half = rows[: size // 2]
                learned = LogisticRegression(C=0.3, max_iter=300).fit(features[half], right[half])
                tried = {name: (score, rows) for name, score in plain.items()}
                tried["learned by branch"] = (learned.predict_proba(features)[:, 1], rows[size // 2 :])
                for name, (score, mine) in tried.items():
                    rest = Audited(score, np.where(right, -1.0, score))
                    best = guarantees.empirical(rest, precision, CONFIDENCE)
                    kept, coverage = outcome(rest, prove(rest.take(mine), precision, CONFIDENCE), precision)
                    oracle = best.coverage if best else 0.0
                    told.setdefault(name, []).append((coverage > 0, kept, coverage, oracle))
            for name, values in told.items():
                shown = " | ".join(f"{value:.3f}" for value in np.mean(values, axis=0))
                print(f"| {size:,} | {precision} | {name} | {shown} |", flush=True)


def noise(pools: Path, repeats: int, share: float = 0.02) -> None:
    """What wrong audit labels do, and what the correction gives back, by the labels of the set."""
    print("| set | audit | promised | labels | given | kept | coverage |\n" + "|---" * 7 + "|")
    for name in (RETAIL, MEDICAL):
        held = [Pool.load(path).audited for path in files(pools, name)]
        for size in (5000, 20_000):
            for precision in (0.95, 0.97, 0.99):
                told: dict[str, list[tuple[bool, bool, float]]] = {}
                for repeat in range(repeats):
                    rest = held[repeat % len(held)]
                    random = np.random.default_rng([repeat, size])
                    clean = rest.take(random.integers(0, len(rest.files), size))
                    hit = random.random(size) < share
                    wrong = Audited(clean.files, np.where(hit, clean.files, clean.errs))
                    copied = Audited(clean.files, np.where(hit, -1.0, clean.errs))
                    corrected = guarantees.seen_precision(precision, share)
                    tried = {
                        "as they are": (clean, precision),
                        f"{share:.0%} wrong": (wrong, precision),
                        f"{share:.0%} wrong, corrected": (wrong, corrected),
                        f"as they are, corrected by {share:.0%}": (clean, corrected),
                        # what reading the surest mistakes of a model on retail found (log)
                        "as they are, corrected by 0.7%": (
                            clean,
                            guarantees.seen_precision(precision, 0.007),
                        ),
                        "half copied from the model": (
                            Audited(clean.files, np.where(random.random(size) < 0.5, -1.0, clean.errs)),
                            precision,
                        ),
                        f"{share:.0%} copied from the model": (copied, precision),
                    }
                    for label, (audited, tested) in tried.items():
                        proof = prove(audited, tested, CONFIDENCE)
                        kept, coverage = outcome(rest, proof, precision)
                        told.setdefault(label, []).append((proof is not None, kept, coverage))
                for label, values in told.items():
                    shown = " | ".join(f"{value:.3f}" for value in np.mean(values, axis=0))
                    print(f"| {name} | {size:,} | {precision} | {label} | {shown} |", flush=True)


def splits(pools: Path, repeats: int, size: int = 5000) -> None:
    """Kept in all rows, in as many fresh ones as a split leaves over, and in those that it leaves over."""
    print(
        "| set | promised | repeats | in all rows | in fresh rows | in the rows left over |\n"
        + "|---" * 6
        + "|"
    )
    for name in (RETAIL, MEDICAL):
        held = [Pool.load(path).audited for path in files(pools, name)]
        for precision in (0.95, 0.97, 0.99):
            told = []
            for repeat in range(20 * repeats):
                rest = held[repeat % len(held)]
                random = np.random.default_rng([repeat, size, 1])
                order = random.permutation(len(rest.files))
                proof = prove(rest.take(order[:size]), precision, CONFIDENCE)
                left = rest.take(order[size:])
                fresh = rest.take(random.integers(0, len(rest.files), len(left.files)))
                told.append([outcome(rows, proof, precision)[0] for rows in (rest, fresh, left)])
            shown = " | ".join(f"{value:.3f}" for value in np.mean(told, axis=0))
            print(f"| {name} | {precision} | {len(told):,} | {shown} |", flush=True)


def drift(pools: Path, repeats: int) -> None:
    """A platform that no audit has seen grows: promises of before and of after, kept in what comes in now."""
    print("| audit | promised | audit drawn | given | kept | right | coverage |\n" + "|---" * 7 + "|")
    held = []
    for path in files(pools, SIMULATED):
        platform = np.load(path)["platform"]
        held.append((Pool.load(path).audited, np.flatnonzero(platform != "jiajia"), platform == "jiajia"))
    for size in (1000, 5000):
        for precision in (0.95, 0.97, 0.99):
            told: dict[str, list[tuple[float, ...]]] = {}
            for repeat in range(repeats):
                rest, known, new = held[repeat % len(held)]
                random = np.random.default_rng([repeat, size])
                mixed = np.concatenate([known[: len(known) // 2], np.flatnonzero(new)])
                now = rest.take(mixed)
                for label, rows in {"before": known, "now": mixed}.items():
                    proof = prove(rest.take(random.choice(rows, size)), precision, CONFIDENCE)
                    kept, coverage = outcome(now, proof, precision)
                    least = np.full(len(now.files), np.inf if proof is None else proof.threshold)
                    right = share_right(now, least)[1]
                    told.setdefault(label, []).append((proof is not None, kept, right, coverage))
            for label, values in told.items():
                shown = " | ".join(f"{value:.4f}" for value in np.mean(values, axis=0))
                print(f"| {size:,} | {precision} | {label} | {shown} |", flush=True)


def prediction_sets(pools: Path, repeats: int) -> None:
    """Coverage and size of prediction sets in review (promise of .97), on rows that an audit leaves over."""
    print(
        "| set | audit | asked | thresholds | in review | least branch | nodes | any category | in all |\n"
        + "|---" * 9
        + "|"
    )
    for name in sorted({path.stem.rpartition("-")[0] for path in pools.glob("*.npz")}):
        held = []
        for path in files(pools, name):
            arrays = np.load(path)
            if not len(arrays["leaves"]):
                continue  # kept without the probabilities of leaves
            tree = LabelTree.from_json(json.loads(str(arrays["tree"])))
            held.append((Pool.load(path), tree, arrays["leaves"], arrays["truth"]))
        for size in (1000, 4000) if held else ():
            for asked in (0.9, 0.95):
                for kind in ("one", "by branch"):
                    told = [
                        _sets_once(*held[repeat % len(held)], (repeat, size), asked, kind == "by branch")
                        for repeat in range(repeats)
                    ]
                    made = [one for one in told if one is not None]
                    if not made:
                        print(f"| {name} | {size:,} | {asked} | {kind} | too few rows in review | | | | |")
                        continue
                    shown = np.nanmean(made, axis=0)
                    words = " | ".join(f"{value:.3f}" for value in shown)
                    print(f"| {name} | {size:,} | {asked} | {kind} | {words} |", flush=True)


def _sets_once(
    pool: Pool,
    tree: LabelTree,
    leaves: np.ndarray,
    truth: np.ndarray,
    seed: tuple[int, int],
    asked: float,
    by_branch: bool,
) -> tuple[float, ...] | None:
    """Return coverage in review, of its worst branch, mean nodes, share of any category, coverage of all."""
    order = np.random.default_rng(seed).permutation(len(truth))
    drawn, rest = order[: seed[1]], order[seed[1] : seed[1] + 3000]
    proof = prove(pool.audited.take(drawn), 0.97, CONFIDENCE)
    least = np.inf if proof is None else proof.threshold
    review = drawn[pool.audited.files[drawn] < least]
    proba = from_leaves(tree, leaves[review].astype(np.float32))
    thresholds = calibrate(tree, true_chances(tree, proba, truth[review]), truth[review], asked, by_branch)
    left = rest[pool.audited.files[rest] < least]
    if thresholds is None or not len(left):
        return None
    found = sets(tree, from_leaves(tree, leaves[left].astype(np.float32)), thresholds)
    inside = np.array(
        [_holds(tree, nodes, int(node)) for nodes, node in zip(found, truth[left], strict=True)]
    )
    whole = np.array([nodes == [-1] for nodes in found])
    nodes = np.array([len(one) for one in found])
    branch = np.where(truth[left] >= 0, tree.ancestors[truth[left], 0], -1)
    worst = [inside[branch == one].mean() for one in np.unique(branch) if (branch == one).sum() >= 40]
    filed = len(rest) - len(left)
    right = filed - int((pool.audited.errs[rest] >= least).sum())
    return (
        float(inside.mean()),
        float(min(worst, default=np.nan)),
        float(nodes[~whole].mean()) if (~whole).any() else np.nan,
        float(whole.mean()),
        float((inside.sum() + right) / len(rest)),
    )


def _holds(tree: LabelTree, nodes: list[int], truth: int) -> bool:
    """Return whether a set touches what the label names."""
    if truth < 0:
        return -1 in nodes
    line = set(tree.ancestors[truth].tolist())
    return any(
        one < 0 or one in line or tree.ancestors[one, tree.levels[truth] - 1] == truth for one in nodes
    )


EXPERIMENTS: dict[str, Callable[[Path, int], None]] = {
    "starts": starts,
    "scores": scores,
    "noise": noise,
    "splits": splits,
    "drift": drift,
    "sets": prediction_sets,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pools", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--only", nargs="*", default=list(EXPERIMENTS), choices=list(EXPERIMENTS))
    arguments = parser.parse_args()
    for name in arguments.only:
        print(f"\n{name}\n")
        EXPERIMENTS[name](arguments.pools, arguments.repeats)


if __name__ == "__main__":
    main()
