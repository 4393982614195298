"""What the pairs are that are said to overlap: `python -m bench.alignment.overlaps`.

Of every two real platforms with a truth (`bench/truth`) speak the models that ship, and models with
calibrations that have seen neither. A line a pair: the platforms, what is true, the two categories.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bench.alignment.merged import proposed
from bench.alignment.relations import Compared, fitted, made_sets, real_pairs, real_sets
from bench.truth.check import HERE, Category, Truth, read_truth
from mep3m.alignment.crossing.heads import Heads, shipped_heads


def true_relation(truth: Truth, left: Category, right: Category) -> str:
    """Return what the truth says of two categories: contains, overlaps or nothing in common.

    They overlap if it names any relation between what lies at or below the one and at or below the other.
    """
    if right in truth.within[left] or left in truth.within[right]:
        return "contains"
    ends = {frozenset((one, other)) for one, _, other in truth.stated}
    below = [[node for node in truth.nodes if _at_or_below(node, top)] for top in (left, right)]
    common = any(frozenset((one, other)) in ends for one in below[0] for other in below[1])
    return "overlaps" if common else "nothing in common"


def _at_or_below(node: Category, top: Category) -> bool:
    return node[0] == top[0] and (node[1] == top[1] or node[1].startswith(f"{top[1]} > "))


def overlaps(pair: Compared, heads: Heads, truths: list[Truth]) -> Iterator[tuple[str, Category, Category]]:
    """Yield (what is true, left, right) of the pairs of two platforms that are said to overlap."""
    truth = next((one for one in truths if pair.platforms <= set(one.platforms)), None)
    for link in proposed(pair, heads) if truth else ():
        if link.relation == "overlaps":
            left, right = (link.left_source, link.left_label), (link.right_source, link.right_label)
            if truth and {left, right} <= set(truth.nodes):
                yield true_relation(truth, left, right), left, right


def main() -> None:
    pairs, truths = real_pairs(), read_truth(HERE)
    real, made = real_sets(pairs), made_sets()
    for way in ("as shipped", "left out"):
        counts: Counter[tuple[str, str]] = Counter()
        for pair in pairs:
            heads = shipped_heads() if way == "as shipped" else fitted(real, made, pair.platforms)
            for kind, left, right in overlaps(pair, heads, truths):
                counts["en" if "walmart" in pair.platforms else "zh", kind] += 1
                print(way, kind, ": ".join(left), ": ".join(right), sep="\t")
        print(way, dict(counts), flush=True)


if __name__ == "__main__":
    main()
