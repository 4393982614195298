"""With the truth as decisions, the merged tree is the true partition, and so are the rows' labels."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mep3m.alignment.merging.first_level import FirstLevelMap, PlatformPath, from_entries
from mep3m.alignment.merging.impact import compare_after, impact
from mep3m.alignment.merging.merge import Catalogue, MergeInputs, merge
from mep3m.alignment.review.decisions import Decision, Ref
from mep3m.engine import make_engine
from mep3m.ingest.run import ingest
from mep3m.settings.align import MergeSettings
from mep3m.settings.project import FirstLevelClass as Class
from mep3m.settings.project import read_toml
from mep3m.settings.simulator import SimulatorSettings
from mep3m.settings.sources import SourceEntry
from mep3m.simulator import simulate
from mep3m.simulator.platforms import World, links, make_world
from mep3m.stages.apply_review import ApplyReview, store_counts
from mep3m.stages.base import run_stage
from mep3m.taxonomy import Category


def leaves(world: World) -> dict[PlatformPath, frozenset[int]]:
    """Return the true leaves that each platform category covers."""
    return {
        (platform.name, node.names): node.leaves
        for platform in world.platforms
        for node in (*platform.nodes, *platform.thirds)
    }


def truth(world: World) -> tuple[Decision, ...]:
    """Return the gold alignment as a person's decisions."""
    gold = [
        (left.name, right.name, link)
        for left, right in combinations(world.platforms, 2)
        for link in links(left, right)
    ]
    return tuple(
        Decision(
            Ref(left, link.left.id),
            Ref(right, link.right.id),
            link.relation,
            "accept",
            line,  # type: ignore[arg-type]
            left_label=link.left.id,
            right_label=link.right.id,
        )
        for line, (left, right, link) in enumerate(gold, start=2)
    )


def first_level(world: World) -> FirstLevelMap:
    entries = {
        (platform.name, (own,)): true
        for platform in world.platforms
        for own, true in platform.first_level().items()
    }
    return FirstLevelMap(tuple(Category(name, name) for name in dict.fromkeys(entries.values())), entries)


@pytest.mark.parametrize(("seed", "platforms"), [(0, 2), (1, 3), (2, 4), (3, 6)])
def test_the_tree_is_the_true_partition(seed: int, platforms: int) -> None:
    world = make_world(SimulatorSettings(platforms=platforms, seed=seed))
    covers = leaves(world)
    review = MergeInputs(truth(world), first_level(world), None, MergeSettings(depth=4))
    merged = merge(Catalogue.of([], dict.fromkeys(covers, 1)), review)
    assert not merged.unmapped
    by_id: dict[str | None, frozenset[int]] = {}
    for node, covered in covers.items():
        assert by_id.setdefault(merged.mapping[node][-1].category, covered) == covered
    assert len(set(by_id.values())) == len(by_id) == len(set(covers.values()))
    for node, covered in covers.items():
        chain = [by_id[label.category] for label in merged.mapping[node][1:]]
        assert all(covered <= above for above in chain)


def test_every_rows_label_is_true(tmp_path: Path) -> None:
    settings = SimulatorSettings(products=900, platforms=3, seed=5, images=False)
    simulation = simulate(tmp_path / "shops", settings)
    project = read_toml(simulation.project)
    sources = [SourceEntry.parse(entry, "sources") for entry in project["sources"][1:]]
    classes = [Class.parse(entry, "first_level") for entry in project["first_level"]]
    engine = make_engine("local", 1)
    store = ingest(sources, simulation.project.parent, tmp_path / "store", engine)
    world = make_world(settings)
    world = replace(world, platforms=world.platforms[1:])
    entries = from_entries(classes, simulation.project)
    stage = ApplyReview(MergeInputs(truth(world), entries, None, MergeSettings(depth=4)))
    counts = store_counts(store)
    report = impact(counts, stage.result(counts), stage.review.decisions)
    merged = run_stage(stage, store, tmp_path / "merged", engine)
    assert compare_after(report, store_counts(merged)) == []
    assert report["rows_unmapped"] == sum(counts.rows[node] for node in counts.rows if not node[1])

    covers: dict[str | None, frozenset[int]] = {}
    for node, covered in leaves(world).items():
        if labels := stage.result(counts).merged.mapping.get(node):
            covers[labels[-1].category] = covered
    number = {leaf.path: i for i, leaf in enumerate(world.leaves)}
    rows = {
        row["source_id"]: row for row in pq.read_table(tmp_path / "shops/truth/products.parquet").to_pylist()
    }
    right = wrong = noisy = 0
    for product in merged.products():
        row = rows[product.source_id]
        if row["noisy"] or row["defect"] or not product.labels:
            noisy += 1
            continue
        true = tuple(row["path"])
        first = merged.taxonomy[str(product.category(1))].name_zh == true[0]
        deepest = product.labels[-1].category
        if first and number[true] in covers[deepest]:
            right += 1
        else:
            wrong += 1
    assert (wrong, right + noisy) == (0, merged.rows)
    assert right > 0.85 * merged.rows
