"""Quality of alignment: `python -m bench.align_quality --out RESULT.json` (a Markdown table).

Every set that has a gold, by the paper's rule, the best name per category, the script that a user
would write, and the evidence method. `valid` are the categories that the weights were not trained on;
nothing is tuned on what this prints. `--ablate` hides one kind of evidence at a time (the same
weights, which know how to do without).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import cydifflib
import numpy as np

from bench.alignment.data import Case, contest_jd, one_to_one, shopify_google, simulated, walmart_amazon
from bench.alignment.script import script
from bench.alignment.train import train_part
from mep3m.settings.align import AlignSettings
from mep3m.stages.align.proposal import Proposal, Side
from mep3m.stages.align.propose import propose
from mep3m.stages.evidence.boosted import read_weights
from mep3m.stages.evidence.features import KINDS, Evidence, Features
from mep3m.stages.evidence.proposer import propose_evidence

Pairs = set[tuple[str, str]]
#: simulated worlds that the weights were not trained on (`bench.alignment.train.WORLDS`)
SEEDS = (1, 2, 3)
#: their products: one or two titles a category, dozens, hundreds
SIZES = (400, 1200, 4000, 12_000)
#: pairs that no method may merge
TRAPS = (("手机", "手机壳"), ("电视", "电视柜"), ("男装", "女装"), ("猫粮", "狗粮"))


def cases() -> list[Case]:
    """Return every measured case, the validation part of each."""
    contest = train_part(contest_jd(), False)
    found = [contest.closed(), contest, contest_jd().closed(), contest_jd()]
    for language in ("zh", "en", "both", "zh-en"):
        valid = train_part(shopify_google(language), False)
        found += [one_to_one(valid), valid]
    found += [train_part(walmart_amazon(), False), walmart_amazon()]
    for size in SIZES:
        found += [case.stocked().without_english() for seed in SEEDS for case in simulated(seed, size)]
    return found


def best_name(left: Side, right: Side) -> Pairs:
    """Return each left category with the right one of highest S_label."""
    names = [entry.name for entry in right]
    found = set()
    matcher = cydifflib.SequenceMatcher(None, "", "")
    for entry in left:
        matcher.set_seq2(entry.name)
        best, chosen = -1.0, 0
        for j, name in enumerate(names):
            matcher.set_seq1(name)
            if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and matcher.ratio() > best:
                best, chosen = matcher.ratio(), j
        found.add((entry.id, right.entries[chosen].id))
    return found


def accepted(proposals: list[Proposal]) -> Pairs:
    return {(one.left_id, one.right_id) for one in proposals if one.accept}


def measure(found: Pairs, case: Case) -> dict[str, float]:
    """Return precision, recall and F1, by the gold's weights (1 where it has none)."""
    right = [pair for pair in found if pair in case.gold]
    precision = len(right) / len(found) if found else 0.0
    if len(set(case.gold.values())) > 1:
        recall = sum(case.gold[pair] for pair in right) / sum(case.gold.values())
    else:
        recall = len(right) / len(case.gold)
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"precision": precision, "recall": recall, "f1": f1}


def methods(weights: Path | None) -> dict[str, Callable[[Case], Pairs]]:
    """Return the methods by name."""
    paper = AlignSettings(method="paper")
    ours = AlignSettings()
    learned = read_weights(weights.read_bytes()) if weights else None

    def evidence(case: Case) -> Pairs:
        return accepted(propose_evidence(case.left, case.right, ours.evidence, weights=learned))

    return {
        "paper": lambda case: accepted(propose([case.left, case.right], paper)),
        "best name": lambda case: best_name(case.left, case.right),
        "script .3": lambda case: script(case.left, case.right, 0.3),
        "script 0": lambda case: script(case.left, case.right, 0.0),
        "names only": lambda case: evidence(case.names_only()),
        "ours": evidence,
    }


@contextmanager
def hidden(kind: str) -> Iterator[None]:
    """Hide one kind of evidence while the block runs."""
    original = Evidence.features

    def without(self: Evidence, rows: np.ndarray, columns: np.ndarray) -> Features:
        features = original(self, rows, columns)
        return {k: np.full_like(v, np.nan) if k in KINDS[kind] else v for k, v in features.items()}

    Evidence.features = without  # type: ignore[method-assign]
    try:
        yield
    finally:
        Evidence.features = original  # type: ignore[method-assign]


def trapped(found: Pairs, case: Case) -> int:
    """Return how many trap pairs were merged: both names of a trap, one on each side."""
    names = {(case.left[a].name, case.right[b].name) for a, b in found - set(case.gold)}
    return sum((a, b) in names or (b, a) in names for a, b in TRAPS)


def reliability(
    measured: Sequence[Case], weights: Path | None, edges: Sequence[float]
) -> list[dict[str, object]]:
    """Return, by bins of the probability of what is proposed, how many of the links are in the gold."""
    learned = read_weights(weights.read_bytes()) if weights else None
    said: list[float] = []
    true: list[bool] = []
    for case in measured:
        for one in propose_evidence(case.left, case.right, AlignSettings().evidence, weights=learned):
            said.append(one.probability)
            true.append((one.left_id, one.right_id) in case.gold)
    values, right = np.array(said), np.array(true)
    table: list[dict[str, object]] = []
    for low, high in pairwise(edges):
        within = (values >= low) & (values < high)
        if within.any():
            mean, share = float(values[within].mean()), float(right[within].mean())
            table.append({"from": low, "to": high, "links": int(within.sum()), "said": mean, "true": share})
    return table


def print_reliability(weights: Path | None) -> None:
    """Print the reliability tables of the held-out sets, real and simulated apart."""
    every = cases()
    kinds = {
        "contest and Shopify, held out": [c for c in every if "valid" in c.name and c.left.name != "walmart"],
        "simulated worlds not trained on": [c for c in every if c.name.startswith("simulator")],
    }
    for kind, chosen in kinds.items():
        chosen = [case for case in chosen if "zh-en" not in case.name and "both" not in case.name]
        print(f"\n{kind} ({len(chosen)} tasks)\n\n| said | links | mean said | true |\n|---|---|---|---|")
        for row in reliability(chosen, weights, (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1.01)):
            print(
                f"| {row['from']} to {row['to']} | {row['links']:,} | {row['said']:.3f} | {row['true']:.3f} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--methods", default="paper,best name,script .3,script 0,names only,ours")
    parser.add_argument("--ablate", action="store_true")
    parser.add_argument("--weights", type=Path, help="other weights than the shipped ones")
    parser.add_argument(
        "--reliability", action="store_true", help="print only how true the probabilities are"
    )
    options = parser.parse_args()
    if options.reliability:
        print_reliability(options.weights)
        return
    table: list[dict[str, object]] = []
    print("| case | gold | method | precision | recall | F1 | traps |\n|---|---|---|---|---|---|---|")
    for case in cases():
        if options.only not in case.name:
            continue
        chosen = methods(options.weights)
        for name in options.methods.split(","):
            runs = [(name, "")]
            if options.ablate and name == "ours":
                runs += [(f"without {kind}", kind) for kind in KINDS if kind not in ("structure", "pictures")]
            for label, kind in runs:
                with hidden(kind) if kind else hidden("pictures"):
                    found = chosen[name](case)
                row = {"case": case.name, "gold": len(case.gold), "method": label, **measure(found, case)}
                row["traps"] = trapped(found, case)
                table.append(row)
                values = " | ".join(f"{row[key]:.3f}" for key in ("precision", "recall", "f1"))
                print(
                    f"| {case.name} | {len(case.gold):,} | {label} | {values} | {row['traps']} |", flush=True
                )
    if options.out:
        options.out.write_text(json.dumps(table, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
