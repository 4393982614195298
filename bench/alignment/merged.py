"""What merges of several platforms promise and keep: `python -m bench.alignment.merged [GROUP...]`.

Every group of platforms with a truth (`bench/truth`) is merged with default settings and no review: with the
models that ship, and with models that have not seen either of the two platforms that they speak of
(`relations.fitted`). A row of the table has the rows in a right place and the joinable rows joined; and of
the rows that links move, the share that their probabilities expect in a right place, and the share that is.
`--map` takes the first level of the project file that it names; `--simulator` merges simulated shops instead.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations, product
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.align_quality import PICTURED, SEEDS, SIZES, TRAPS
from bench.alignment.data import Case, simulated
from bench.alignment.relations import TITLES, Compared, compare, fitted, made_sets, real_pairs, real_sets
from bench.truth.check import GROUPS, HERE, read_truth
from bench.truth.rows import gold_of
from mep3m.alignment.crossing.heads import Heads, shipped_heads
from mep3m.alignment.crossing.relation import with_inner
from mep3m.alignment.crossing.tables import Crossings
from mep3m.alignment.learned.boosted import shipped_weights
from mep3m.alignment.learned.proposer import by_products, proposals_of
from mep3m.alignment.merging.first_level import FirstLevelMap, PlatformPath, from_entries
from mep3m.alignment.merging.impact import Counts
from mep3m.alignment.merging.merge import Catalogue, MergeInputs
from mep3m.alignment.records import Proposal, Side
from mep3m.alignment.review.decisions import Decision, read_review
from mep3m.alignment.review.sssom import write_sssom
from mep3m.alignment.row_score import PlacedCategory, RowScores, score_rows
from mep3m.alignment.truth import Containers, containers, gold_containers
from mep3m.settings.align import EvidenceSettings
from mep3m.settings.project import load_project
from mep3m.settings.simulator import SimulatorSettings
from mep3m.simulator.platforms import make_world
from mep3m.stages.apply_review import ApplyReview

HEADER = (
    "| merge | rows | right place | joined | categories joined | links | moved rows | expected right | right "
    "| traps |"
)
#: categories in a wrong place that are named
SHOWN = 5


def proposed(pair: Compared, heads: Heads) -> list[Proposal]:
    """Return what models propose between two platforms."""
    settings = EvidenceSettings()
    assessed = by_products(pair.assessed, pair.crossing, settings, heads)
    return proposals_of(assessed, settings, shipped_weights().curves)


def merged(
    name: str,
    sides: Sequence[Side],
    proposals: Sequence[Proposal],
    truth: Callable[[Catalogue], Containers],
    first_level: FirstLevelMap | None = None,
) -> str:
    """Return the row of the table for one merge with default settings."""
    with TemporaryDirectory() as folder:
        review = Path(folder) / "links.sssom.tsv"
        write_sssom(review, proposals)
        decisions = tuple(read_review(review)[1])
    stage = ApplyReview(MergeInputs(decisions, first_level))
    counts = own_rows(sides)
    catalogue = Catalogue.of([], counts)
    result = stage.result(Counts(counts, {node: {(): rows} for node, rows in counts.items()}))
    scores = score_rows(result.merged, counts, truth(catalogue))
    risks = endangered(catalogue, counts, result.applied)
    moved = sum(counts[node] for node in risks)
    right = sum(one.rows for one in scores.categories if one.node in risks and one.right)
    expected = sum(counts[node] * (1 - risk) for node, risk in risks.items())
    rows, categories = scores.by_rows.to_dict(), scores.by_categories.to_dict()
    shares = [rows["right_place"], rows["joined"], categories["joined"]]
    kept = [share / moved if moved else None for share in (expected, right)]
    links = str(len(result.applied))
    traps = str(_traps(catalogue, result.applied))
    cells = [name, f"{rows['n']:,}", *map(_share, shares), links, f"{moved:,}", *map(_share, kept), traps]
    wrong = [f"  wrong: {one.node} ({one.rows} rows): {sorted(one.wrong)[:3]}" for one in _wrong(scores)]
    return "\n".join(["| " + " | ".join(cells) + " |", *wrong])


def own_rows(sides: Iterable[Side]) -> dict[PlatformPath, int]:
    """Return the rows of every category that has none below it."""
    counts: dict[PlatformPath, int] = {}
    for side in sides:
        inner = {entry.path[:depth] for entry in side for depth in range(1, len(entry.path))}
        counts |= {(side.name, entry.path): entry.count or 0 for entry in side if entry.path not in inner}
    return counts


def endangered(
    catalogue: Catalogue, counts: Mapping[PlatformPath, int], applied: Iterable[Decision]
) -> dict[PlatformPath, float]:
    """Return the categories with rows that links move, each with the risk of its least sure link."""
    risks: dict[PlatformPath, float] = {}
    for row in applied:
        left, right = catalogue.ends(row)
        for end in {"narrower": (left,), "broader": (right,)}.get(row.relation, (left, right)):
            for source, path in counts:
                if end is not None and source == end[0] and path[: len(end[1])] == end[1]:
                    risk = max(risks.get((source, path), 0.0), 1 - (row.probability or 0.0))
                    risks[source, path] = risk
    return risks


def _wrong(scores: RowScores) -> list[PlacedCategory]:
    return [one for one in scores.categories if one.wrong][:SHOWN]


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.4f}"


def _traps(catalogue: Catalogue, applied: Iterable[Decision]) -> int:
    """Return how many pairs of `TRAPS` are said to be the same."""
    exact = [catalogue.ends(row) for row in applied if row.relation == "exact"]
    names = {(left[1][-1], right[1][-1]) for left, right in exact if left is not None and right is not None}
    return sum((a, b) in names or (b, a) in names for a, b in TRAPS)


def real_groups(names: Sequence[str], project: Path | None) -> None:
    """Print the rows of real groups, by the shipped models and by models that have not seen the platforms."""
    pairs, first_level = real_pairs(), None
    sides = {side.name: side for pair in pairs for side in (pair.left, pair.right)}
    if project is not None:
        first_level = from_entries(load_project(project).first_level, project)
    ways: dict[str, Callable[[Compared], Heads]] = {"as shipped": lambda pair: shipped_heads()}
    if first_level is None:
        real, made = real_sets(pairs), made_sets()
        ways["left out"] = lambda pair: fitted(real, made, pair.platforms)
    for way, heads in ways.items():
        proposals = {pair.platforms: proposed(pair, heads(pair)) for pair in pairs}
        for truth in read_truth(HERE, names):
            of = [one for ends, some in proposals.items() if ends <= set(truth.platforms) for one in some]
            gold = gold_of(truth)
            members = [side for name, side in sorted(sides.items()) if name in truth.platforms]
            within = partial(gold_containers, gold)
            print(merged(f"{truth.group}, {way}", members, of, within, first_level), flush=True)


def simulated_shops() -> None:
    """Print a row for every simulated world that the models were not fitted on."""
    for products, seed, pictures in product(SIZES, SEEDS, (False, True)):
        if pictures and products > PICTURED:
            continue
        cases = [case.stocked().without_english() for case in simulated(seed, products, pictures=pictures)]
        sides = {side.name: with_inner(side, TITLES) for case in cases for side in (case.left, case.right)}
        crossings = Crossings(list(sides.values()))
        compared = [compare(left, right, crossings) for left, right in combinations(sides.values(), 2)]
        proposals = [one for pair in compared if pair for one in proposed(pair, shipped_heads())]
        shown = f"{products} products, seed {seed}{', pictures' if pictures else ''}"
        stated = [*_stated(cases), *_first_levels(products, seed, pictures)]
        print(merged(shown, list(sides.values()), proposals, partial(_within, stated)), flush=True)


def _stated(cases: Iterable[Case]) -> Iterator[tuple[PlatformPath, str, PlatformPath]]:
    for case in cases:
        for (left, right), relation in case.relations.items():
            yield (case.left.name, case.left[left].path), relation, (case.right.name, case.right[right].path)


def _first_levels(
    products: int, seed: int, pictures: bool
) -> Iterator[tuple[PlatformPath, str, PlatformPath]]:
    """Yield the first levels that are of one true class: they mean the same, whatever each has in stock."""
    world = make_world(SimulatorSettings(products=products, platforms=3, seed=seed, images=pictures))
    for left, right in combinations(world.platforms, 2):
        for one, other in product(left.first_level().items(), right.first_level().items()):
            if one[1] == other[1]:
                yield (left.name, (one[0],)), "exact", (right.name, (other[0],))


def _within(stated: Sequence[tuple[PlatformPath, str, PlatformPath]], catalogue: Catalogue) -> Containers:
    return containers(catalogue.used, stated)  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", default=list(GROUPS))
    parser.add_argument("--map", type=Path, help="project file with a first-level map for the group")
    parser.add_argument("--simulator", action="store_true")
    options = parser.parse_args()
    print(HEADER + "\n|" + "---|" * (HEADER.count("|") - 1))
    if options.simulator:
        simulated_shops()
    else:
        real_groups(options.groups, options.map)


if __name__ == "__main__":
    main()
