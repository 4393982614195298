"""A row of a shop, with every flaw: what is planted is what the checks find, and the truth says so."""

import io
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mep3m.errors import FormatError
from mep3m.settings.quality import QualitySettings
from mep3m.settings.simulator import SimulatorSettings
from mep3m.simulator.listings import Listing, make_listing
from mep3m.simulator.plan import (
    COPIES,
    DEFECTS,
    IMAGE_DEFECTS,
    ROW_DEFECTS,
    TEXT_DEFECTS,
    DrawPlan,
    make_plan,
)
from mep3m.simulator.platforms import World, links, make_world
from mep3m.simulator.titles import make_item, make_vague
from mep3m.simulator.truth import true_taxonomy
from mep3m.stages.quality.pictures import image_reason, measure_image
from mep3m.stages.quality.titles import title_reasons
from mep3m.store.filesystem import inside

SETTINGS = SimulatorSettings(products=60, platforms=3, seed=8, defects=0.0, duplicates=0.3)
QUALITY = QualitySettings()
#: image defect -> what the quality check says of it; the others never reach it
SEEN = {
    "broken_image": "broken_image",
    "empty_image": "broken_image",
    "not_an_image": "broken_image",
    "tiny_image": "tiny_image",
    "blank_image": "blank_image",
    "uniform_image": "uniform_image",
    "odd_aspect": "odd_aspect",
    "blurred_image": "blurred_image",
}


@cache
def drawn() -> tuple[World, DrawPlan]:
    world = make_world(SETTINGS)
    return world, make_plan(SETTINGS, world)


def listing(
    row: int, defect: str = "", copy: str = "original", wanted: SimulatorSettings = SETTINGS
) -> Listing:
    """Return one row of the small world with this flaw."""
    world, plan = drawn()
    planted = replace(
        plan,
        defect=np.full(len(plan), DEFECTS.index(defect)),
        copy=np.full(len(plan), COPIES.index(copy)),
    )
    place = row - int(np.flatnonzero(plan.platform == plan.platform[row])[0])
    return make_listing(planted, world, row, place, wanted)


def title_reason(title: str | None) -> str | None:
    reason: str | None = title_reasons(pa.array([title], pa.string()), QUALITY)[0].as_py()
    return reason


def picture_reason(content: bytes) -> str | None:
    return image_reason(measure_image(content, QUALITY.max_pixels), QUALITY)


rows = st.integers(0, SETTINGS.products - 1)


def test_every_defect_is_of_one_kind() -> None:
    kinds = (ROW_DEFECTS, TEXT_DEFECTS, IMAGE_DEFECTS)
    assert ("", *(name for kind in kinds for name in kind)) == DEFECTS
    assert len(set(DEFECTS)) == len(DEFECTS)
    assert set(SEEN) | {"missing_image", "outside_path"} == set(IMAGE_DEFECTS)


@settings(max_examples=20, deadline=None)
@given(row=rows, copy=st.sampled_from(COPIES))
def test_a_sound_row_passes_every_check(row: int, copy: str) -> None:
    found = listing(row, copy=copy)
    assert title_reason(found.title) is None
    assert found.picture is not None
    assert picture_reason(found.picture.content) is None
    assert found.path
    assert found.source_id
    assert not found.broken
    with Image.open(io.BytesIO(found.picture.content)) as image:
        assert image.size == found.picture.size
        assert (image.format == "PNG") == (found.picture.extension == "png")
    for line in found.lines:
        left, top, right, bottom = line.box
        assert 0 <= left < right <= found.picture.size[0]
        assert 0 <= top < bottom <= found.picture.size[1]


@pytest.mark.parametrize(("defect", "seen"), SEEN.items())
@pytest.mark.parametrize("row", [0, 21, 59])
def test_a_planted_image_is_what_the_quality_check_takes_out(row: int, defect: str, seen: str) -> None:
    found = listing(row, defect)
    assert found.picture is not None
    assert picture_reason(found.picture.content) == seen
    assert found.lines == ()  # nobody can read text in it
    assert title_reason(found.title) is None


@pytest.mark.parametrize("row", [3, 30, 50])
@pytest.mark.parametrize("defect", ["empty_title", "short_title", "long_title", "foreign_title"])
def test_a_planted_title_is_what_the_quality_check_takes_out(row: int, defect: str) -> None:
    assert title_reason(listing(row, defect).title) == defect


@settings(max_examples=15, deadline=None)
@given(row=rows)
def test_flaws_of_the_row_change_what_they_say_and_nothing_else(row: int) -> None:
    sound = listing(row)
    broken, nameless, homeless = (listing(row, name) for name in ("broken_row", "missing_id", "no_category"))
    assert broken.broken
    assert (nameless.source_id, nameless.title, nameless.image) == (None, sound.title, sound.image)
    assert (homeless.path, homeless.title, homeless.source_id) == ((), sound.title, sound.source_id)
    assert homeless.node == sound.node  # the truth stays
    if row and listing(row - 1).source_id[0] == sound.source_id[0]:  # type: ignore[index]
        assert listing(row, "repeated_id").source_id == listing(row - 1).source_id
    missing = listing(row, "missing_image")
    assert (missing.image, missing.picture) == (sound.image, None)


@pytest.mark.parametrize("row", range(0, 60, 12))
def test_a_path_out_of_the_folder_is_one_that_the_store_refuses(row: int, tmp_path: Path) -> None:
    found = listing(row, "outside_path")
    assert found.picture is None
    assert found.image is not None
    with pytest.raises(FormatError, match="leaves its folder"):
        inside(tmp_path, found.image)


@settings(max_examples=15, deadline=None)
@given(row=rows)
def test_copies_repeat_what_they_say(row: int) -> None:
    first, same, image, title, both = (listing(row, copy=copy) for copy in COPIES)
    assert first.picture is not None
    assert image.picture is not None
    assert both.picture is not None
    assert (same.title, same.picture) == (first.title, first.picture)
    assert image.title == first.title
    assert title.picture == first.picture
    assert both.title == title.title
    assert image.picture.content == both.picture.content != first.picture.content


def test_without_images_nothing_is_drawn() -> None:
    bare = SETTINGS.model_copy(update={"images": False})
    found = listing(5, wanted=bare)
    assert (found.image, found.picture, found.lines) == (None, None, ())
    assert found.title == listing(5).title


@given(number=st.integers(0, 5000), vague=st.sampled_from([0.0, 0.5, 1.0]))
def test_a_vague_item_keeps_its_category_and_says_something(number: int, vague: float) -> None:
    world, _ = drawn()
    leaf = number % len(world.leaves)
    item = make_item(number, leaf, world.leaves[leaf], 0)
    changed = make_vague(item, world.leaves[leaf], vague, 0)
    assert changed == make_vague(item, world.leaves[leaf], vague, 0)
    assert (changed.leaf, changed.number, changed.look) == (item.leaf, item.number, item.look)
    assert changed.words
    if not vague:
        assert changed == item


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 500), platforms=st.integers(2, 4))
def test_gold_links_say_the_same_from_both_sides_and_follow_from_the_leaves(
    seed: int, platforms: int
) -> None:
    world = make_world(SimulatorSettings(seed=seed, platforms=platforms))
    turned = {"exact": "exact", "narrower": "broader", "broader": "narrower"}
    for left in world.platforms:
        for right in world.platforms[left.index + 1 :]:
            forth = {(link.left.id, link.right.id, link.relation) for link in links(left, right)}
            back = {(link.right.id, link.left.id, turned[link.relation]) for link in links(right, left)}
            assert forth == back
            exact = [pair for *pair, relation in forth if relation == "exact"]
            # a category may equal its own only child, a kind with one finer category left
            assert len({tuple(pair) for pair in exact}) == len(exact)
            nodes = {node.id: node for node in (*left.nodes, *left.thirds)}
            others = {node.id: node for node in (*right.nodes, *right.thirds)}
            for one, other, relation in forth:
                a, b = nodes[one].leaves, others[other].leaves
                assert {"exact": a == b, "narrower": a < b, "broader": a > b}[relation]


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 500), categories=st.none() | st.integers(4, 87))
def test_a_platform_s_tree_and_the_true_one_agree_on_the_first_level(
    seed: int, categories: int | None
) -> None:
    world = make_world(SimulatorSettings(seed=seed, platforms=3, categories=categories))
    tree = true_taxonomy(world)
    firsts = {node.name for node in tree.at_level(1)}
    for platform in world.platforms:
        assert set(platform.first_level().values()) <= firsts
        for node in (*platform.nodes, *platform.thirds):
            assert node.leaves
            assert {world.leaves[leaf].department.name.zh for leaf in node.leaves} == {
                node.department.name.zh
            }
            assert len(node.path) in (2, 3)
            assert all(name.zh and name.en for name in node.path)
        for third in platform.thirds:
            above = [node for node in platform.nodes if node.path == third.path[:2]]
            assert len(above) == 1
            assert third.leaves <= above[0].leaves
