"""Any world that can be asked for is whole: rows, categories, links and truth agree with each other."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.settings.project import load_project
from mep3m.settings.simulator import SimulatorSettings
from mep3m.simulator.plan import COPIES, DEFECTS, IMAGE_DEFECTS, make_plan
from mep3m.simulator.platforms import links, make_world
from mep3m.simulator.simulation import simulate
from mep3m.simulator.titles import make_item, make_vague, title
from mep3m.simulator.truth import true_taxonomy
from mep3m.taxonomy import PATH_SEPARATOR

SETTINGS = st.builds(
    SimulatorSettings,
    products=st.integers(1, 120),
    platforms=st.integers(2, 6),
    seed=st.integers(0, 1000),
    images=st.just(False),
    categories=st.none() | st.integers(4, 90),
    duplicates=st.floats(0, 0.6),
    noise=st.floats(0, 0.5),
    defects=st.floats(0, 0.3),
    tail=st.floats(0, 2),
    vague=st.floats(0, 1),
)
SOME = settings(max_examples=40)


@SOME
@given(SETTINGS)
def test_a_plan_has_the_rows_that_were_asked_for_each_in_a_shop_that_sells_it(
    wanted: SimulatorSettings,
) -> None:
    world = make_world(wanted)
    plan = make_plan(wanted, world)
    assert len(plan) == wanted.products
    assert (np.diff(plan.platform) >= 0).all()  # in the order of the platforms' files
    for platform, leaf, shown, copy, defect in zip(
        plan.platform, plan.leaf, plan.shown, plan.copy, plan.defect, strict=True
    ):
        shop = world.platforms[platform]
        assert leaf in shop.node_of
        assert shown in shop.node_of
        assert 0 <= copy < len(COPIES)
        assert DEFECTS[defect] not in IMAGE_DEFECTS
    originals = plan.item[plan.copy == 0]
    assert len(set(originals.tolist())) == len(originals)
    assert set(plan.item.tolist()) == set(originals.tolist())


@SOME
@given(SETTINGS)
def test_links_follow_from_what_the_categories_cover(wanted: SimulatorSettings) -> None:
    world = make_world(wanted)
    left, right = world.platforms[:2]
    turned = {"exact": "exact", "narrower": "broader", "broader": "narrower"}
    forth = {(link.left.id, link.right.id): link.relation for link in links(left, right)}
    back = {(link.right.id, link.left.id): turned[link.relation] for link in links(right, left)}
    assert forth == back
    for link in links(left, right):
        a, b = link.left.leaves, link.right.leaves
        assert link.relation == ("exact" if a == b else "narrower" if a < b else "broader")
        assert a & b
    exact = [pair for pair, relation in forth.items() if relation == "exact"]
    depths = Counter((a, len(b.split(PATH_SEPARATOR))) for a, b in exact)
    assert max(depths.values(), default=1) == 1  # at one level a category equals at most one other


@SOME
@given(SETTINGS)
def test_every_category_of_a_shop_is_in_the_first_level_map_and_covers_what_it_says(
    wanted: SimulatorSettings,
) -> None:
    world = make_world(wanted)
    tree = true_taxonomy(world)
    assert {PATH_SEPARATOR.join(leaf.path) for leaf in world.leaves} == {node.id for node in tree.leaves()}
    for shop in world.platforms:
        tops = shop.first_level()
        for node in (*shop.nodes, *shop.thirds):
            assert node.names[0] in tops
            assert {world.leaves[n].department.name.zh for n in node.leaves} == {node.department.name.zh}
            assert node.leaves
        assert len({node.id for node in shop.nodes}) == len(shop.nodes)


@SOME
@given(SETTINGS, st.integers(0, 500), st.integers(0, 5), st.booleans())
def test_a_title_is_drawn_from_its_numbers_alone(
    wanted: SimulatorSettings, number: int, platform: int, copy: bool
) -> None:
    world = make_world(wanted)
    leaf = number % len(world.leaves)
    one, two = (make_item(number, leaf, world.leaves[leaf], wanted.seed) for _ in range(2))
    assert one == two
    vague = make_vague(one, world.leaves[leaf], wanted.vague, wanted.seed)
    assert (vague.leaf, vague.number, vague.look) == (one.leaf, one.number, one.look)
    assert vague.words
    said = [title(vague, platform, 7, copy, wanted.seed) for _ in range(2)]
    assert said[0] == said[1]
    assert said[0].strip()


@settings(max_examples=8)
@given(SETTINGS)
def test_files_truth_and_project_of_a_world_agree(
    tmp_path_factory: pytest.TempPathFactory, wanted: SimulatorSettings
) -> None:
    folder: Path = tmp_path_factory.mktemp("w") / "world"
    world = simulate(folder, wanted)
    truth = pq.read_table(world.products).to_pylist()
    assert len(truth) == wanted.products
    project = load_project(world.project)
    assert [entry.name for entry in project.sources] == list(world.platforms)
    assert all((folder / entry.path).exists() for entry in project.sources)
    read = [row for row in truth if row["defect"] != "broken_row"]  # what is no record shares a number
    assert len({(row["source"], row["file"], row["line"]) for row in read}) == len(read)
    true = {node.id for node in true_taxonomy(make_world(wanted))}
    assert {row["category"] for row in truth} <= true
    groups = Counter(row["group"] for row in truth)
    originals = Counter(row["group"] for row in truth if row["copy"] == "original")
    assert set(originals.values()) <= {1}
    assert groups.keys() == originals.keys()
