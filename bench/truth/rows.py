"""Where a merge without review puts the rows: `python -m bench.truth.rows [GROUP...]`.

Proposes links between the platforms of a group of `check.GROUPS`, applies them as a build does by default,
and compares with the truth. Prints what `mep3m align score --rows` says, a line a group and the wrong places.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.truth.check import DATA, GROUPS, HERE, SEPARATOR, SHOPS, Truth, read_truth
from mep3m.alignment.gold import Gold, gold_of_rows
from mep3m.alignment.merging.merge import Catalogue, MergeInputs
from mep3m.alignment.propose import propose
from mep3m.alignment.records import Entry, Side
from mep3m.alignment.review.decisions import read_review
from mep3m.alignment.review.sssom import write_sssom
from mep3m.alignment.row_score import RowScores, score_rows
from mep3m.alignment.truth import gold_containers
from mep3m.settings.align import AlignSettings
from mep3m.stages.apply_review import ApplyReview

#: titles of a category that are read, as from a store
TITLES = 450


def platform_side(platform: str, data: Path = DATA) -> Side:
    """Return a platform's categories with their rows and titles."""
    shop = SHOPS[platform]
    titles: dict[tuple[str, ...], list[str]] = {}
    with (data / shop.file).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            path = tuple(row[label] for label in shop.labels if row[label])
            if path and (shop.column is None or row[shop.column] == platform):
                titles.setdefault(path, []).append(row["title"])
    return Side(
        platform,
        tuple(
            Entry(SEPARATOR.join(path), path, titles=tuple(texts[:TITLES]), count=len(texts))
            for path, texts in sorted(titles.items())
        ),
    )


def gold_of(truth: Truth) -> Gold:
    """Return the relations of a group as a gold alignment of paths."""
    rows = (
        {
            "left_platform": row["left_platform"],
            "right_platform": row["right_platform"],
            "left_id": row["left_path"],
            "right_id": row["right_path"],
            "relation": row["relation"],
        }
        for row in truth.relations
    )
    return gold_of_rows(enumerate(rows, start=2), "relations.tsv")


def scored(truth: Truth) -> RowScores:
    """Return the scores of a merge by defaults."""
    sides = [platform_side(platform) for platform in sorted(truth.platforms)]
    with TemporaryDirectory() as folder:
        review = Path(folder) / "links.sssom.tsv"
        write_sssom(review, propose(sides, AlignSettings()))
        decisions = read_review(review)[1]
    stage = ApplyReview(MergeInputs(tuple(decisions)), tuple(sides))
    counts = stage.table_counts()
    within = gold_containers(gold_of(truth), Catalogue.of(sides, counts.rows))
    return score_rows(stage.result(counts).merged, counts.rows, within)


def main() -> None:
    """Print the scores of the groups named, or of all."""
    print("| group | rows in a right place | joinable ones joined | categories in a right place | joined |")
    print("|---|---|---|---|---|")
    for truth in read_truth(HERE, sys.argv[1:] or GROUPS):
        told = scored(truth).to_dict()
        shares = [told[of][key] for of in ("rows", "categories") for key in ("right_place", "joined")]
        print(f"| {truth.group} | " + " | ".join(f"{share:.4f}" for share in shares) + " |", flush=True)
        for one in told["wrong_place"]:
            print(f"  wrong: {one['category']} ({one['rows']:,} rows): {', '.join(one['others'])}")


if __name__ == "__main__":
    main()
