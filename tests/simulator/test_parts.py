"""The parts of the simulator: words, titles, the draw of rows, catalogue files, pictures and their text."""

import csv
import io
import json
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mep3m.settings.project import Project, read_toml
from mep3m.settings.simulator import SimulatorSettings
from mep3m.simulator.files import FORMATS, write_tsv
from mep3m.simulator.pictures import blurred, draw, encode, re_encode
from mep3m.simulator.plan import COPIES, DEFECTS, IMAGE_DEFECTS, make_plan
from mep3m.simulator.platforms import PLATFORM_NAMES, make_world
from mep3m.simulator.project_file import project_toml
from mep3m.simulator.titles import COUNTS, PROMOTIONS, SIZES, make_item, title
from mep3m.simulator.truth import ALIGNMENT_COLUMNS, true_taxonomy, write_alignment
from mep3m.simulator.vocabulary import departments

WORLD = make_world(SimulatorSettings(platforms=6, seed=1))
KINDS = [kind for department in departments() for kind in department.kinds]
plans = st.builds(
    SimulatorSettings,
    products=st.integers(1, 400),
    platforms=st.integers(2, 6),
    seed=st.integers(0, 999),
    duplicates=st.sampled_from([0.0, 0.2, 0.6]),
    noise=st.sampled_from([0.0, 0.1, 0.5]),
    defects=st.sampled_from([0.0, 0.1, 0.3]),
    tail=st.sampled_from([0.0, 0.9, 2.0]),
    images=st.booleans(),
)


def row(**cells: object) -> dict[str, object]:
    made = {
        "source_id": "A1", "title": "红茶, \"特级\"", "labels": ["食品", "茶"], "image": "1/1.jpg",
        "ids": ["5", "523"], "size": (220, 293), "broken": False,
    }  # fmt: skip
    return {**made, **cells}


def test_the_words_of_the_world_are_whole() -> None:
    assert len({department.name.zh for department in departments()}) == len(departments())
    assert len({kind.name.en for kind in KINDS}) == len(KINDS)
    for department in departments():
        assert len(department.brands) >= 3
        assert all(brand.zh and brand.en for brand in department.brands)
    for kind in KINDS:
        assert kind.nouns
        assert len(kind.words) >= 4  # a title draws up to four of them
        assert kind.name.zh not in kind.other_names
        assert len({third.zh for third in kind.thirds}) == len(kind.thirds) != 1
        assert kind.shelf is None or kind.shelf.zh
        assert all(part.zh and part.en for part in (kind.family, *kind.thirds) if part)


@pytest.mark.parametrize("unit", sorted({kind.spec.partition("*")[0] for kind in KINDS}))
def test_every_unit_has_sizes(unit: str) -> None:
    assert unit
    assert SIZES.get(unit, COUNTS)


@given(number=st.integers(0, 10**6), leaf=st.integers(0, len(WORLD.leaves) - 1), seed=st.integers(0, 99))
def test_an_item_is_drawn_by_its_number_alone(number: int, leaf: int, seed: int) -> None:
    item = make_item(number, leaf, WORLD.leaves[leaf], seed)
    assert item == make_item(number, leaf, WORLD.leaves[leaf], seed)
    kind = WORLD.leaves[leaf].kind
    assert item.brand in WORLD.leaves[leaf].department.brands
    assert item.noun in (*kind.nouns, *(third.zh for third in kind.thirds))
    assert set(item.words) <= {*kind.words, *WORLD.leaves[leaf].department.words}
    assert all(size.endswith(tuple(kind.spec.split("*"))) for size in item.sizes)


@given(number=st.integers(0, 10**6), platform=st.integers(0, 5), listing=st.integers(0, 999))
def test_a_title_names_the_brand_and_a_copy_is_an_edit_of_it(
    number: int, platform: int, listing: int
) -> None:
    leaf = number % len(WORLD.leaves)
    item = make_item(number, leaf, WORLD.leaves[leaf], 0)
    first = title(item, platform, listing, False, 0)
    assert item.brand.zh in first
    assert first == title(item, platform, listing + 1, False, 0)  # the first listing is the item's own
    copy = title(item, platform, listing, True, 0)
    assert copy == title(item, platform, listing, True, 0)
    # two edits at most, and each drops one piece at most: of four pieces that name it, one stays
    pieces = (item.brand.zh, item.noun, item.model, item.sizes[0])
    assert any(piece.upper() in copy.upper() for piece in pieces)


@settings(deadline=None, max_examples=30)
@given(wanted=plans)
def test_a_plan_holds_what_was_asked_for(wanted: SimulatorSettings) -> None:
    world = make_world(wanted)
    plan = make_plan(wanted, world)
    assert len(plan) == wanted.products
    assert (np.diff(plan.platform) >= 0).all()  # rows stand in the order of the files
    copies = min(round(wanted.products * wanted.duplicates), wanted.products - 1)  # of something
    assert len(set(plan.item.tolist())) == wanted.products - copies
    assert Counter(plan.copy.tolist())[0] == wanted.products - copies
    assert plan.copy.max() < len(COPIES)
    for number in range(len(plan)):
        shop = world.platforms[plan.platform[number]]
        assert plan.leaf[number] in shop.node_of  # a shop sells only what it has a category for
        assert plan.shown[number] in shop.node_of
    if not wanted.noise:
        assert (plan.leaf == plan.shown).all()
    chosen = [DEFECTS[code] for code in plan.defect]
    assert sum(bool(name) for name in chosen) <= round(wanted.products * wanted.defects)
    if not wanted.images:
        assert not set(chosen) & set(IMAGE_DEFECTS)
    for shop in world.platforms:
        rows = plan.of_platform(shop.index)
        assert {chosen[r] for r in rows}.isdisjoint(FORMATS[shop.index].cannot)
        assert len(rows) == 0 or not chosen[rows[0]]  # a file's first row stays sound


@settings(deadline=None, max_examples=10)
@given(categories=st.integers(4, 87))
def test_fewer_categories_are_taken_from_each_class_in_turn(categories: int) -> None:
    world = make_world(SimulatorSettings(categories=categories))
    kinds = {leaf.kind.name.en: leaf.department.name.en for leaf in world.leaves}
    assert len(kinds) == min(categories, len(KINDS))
    sizes = Counter(kinds.values())
    room = {d.name.en: len(d.kinds) for d in departments()}
    full = [sizes[name] == room[name] for name in sizes]
    assert all(
        done or size >= max(sizes.values()) - 1 for done, size in zip(full, sizes.values(), strict=True)
    )


def test_the_true_taxonomy_holds_every_leaf_and_gold_ids_exist(tmp_path: Path) -> None:
    tree = true_taxonomy(WORLD)
    for leaf in WORLD.leaves:
        assert tuple(node.name for node in tree.path(" > ".join(leaf.path))) == leaf.path
    write_alignment(tmp_path, WORLD)
    ids = {p.name: {node.id for node in (*p.nodes, *p.thirds)} for p in WORLD.platforms}
    together = (tmp_path / "alignment.tsv").read_text(encoding="utf-8").splitlines()[1:]
    apart = 0
    for path in (tmp_path / "alignment").iterdir():
        left, right = path.stem.split("-")
        header, *lines = path.read_text(encoding="utf-8").splitlines()
        assert tuple(header.split("\t")) == ALIGNMENT_COLUMNS
        for line in lines:
            one, other, relation = line.split("\t")
            assert one in ids[left]
            assert other in ids[right]
            assert relation in ("exact", "narrower", "broader")
        apart += len(lines)
    assert apart == len(together)
    assert len(list((tmp_path / "alignment").iterdir())) == 15


@pytest.mark.parametrize("platforms", [2, 4, 6])
@pytest.mark.parametrize("images", [True, False])
def test_the_project_file_is_one_that_a_build_takes(tmp_path: Path, platforms: int, images: bool) -> None:
    wanted = SimulatorSettings(platforms=platforms, images=images)
    path = tmp_path / "mep3m.toml"
    world = make_world(wanted)
    sold = {platform.name: set(platform.first_level()) for platform in world.platforms}
    path.write_text(project_toml(world, wanted, sold), encoding="utf-8")
    project = Project.parse(read_toml(path), "x")
    assert [entry.name for entry in project.sources] == list(PLATFORM_NAMES[:platforms])
    assert all((entry.image_root is not None) == images for entry in project.sources)
    assert all(("image" in entry.columns.model_fields_set) == images for entry in project.sources[1:])
    for entry in project.first_level:
        assert set(entry.covers) <= set(PLATFORM_NAMES[:platforms])


@pytest.mark.parametrize("index", [1, 4, 5])
def test_delimited_files_are_read_back_by_the_csv_module(tmp_path: Path, index: int) -> None:
    kind = FORMATS[index]
    path = tmp_path / kind.file
    kind.write(path, [row(), row(source_id=None, title=None, labels=[], image=None), row(broken=True)])
    text = path.read_text(encoding=kind.encoding or "utf-8")
    header, first, second, broken = csv.reader(io.StringIO(text), delimiter="\t" if index == 4 else ",")
    assert header == [
        kind.columns["id"],
        kind.columns["title"],
        *kind.columns["labels"],
        kind.columns["image"],
    ]
    assert first == ["A1", '红茶, "特级"', "食品", "茶", "1/1.jpg"]
    assert second == ["", "", "", "", ""]
    assert broken == ["A1", '红茶, "特级"']  # cells are missing: the reader must refuse it


def test_json_lines_leave_out_what_is_missing_and_cut_a_broken_row(tmp_path: Path) -> None:
    FORMATS[2].write(tmp_path / "x.jsonl", [row(), row(title=None, labels=[]), row(broken=True)])
    first, second, broken = (tmp_path / "x.jsonl").read_text(encoding="utf-8", errors="replace").splitlines()
    assert json.loads(first) == {
        "sku": "A1", "name": '红茶, "特级"', "category": "食品 > 茶", "picture": "1/1.jpg",
    }  # fmt: skip
    assert json.loads(second) == {"sku": "A1", "picture": "1/1.jpg"}
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken)


def test_parquet_keeps_the_columns_of_a_broken_row_as_nulls(tmp_path: Path) -> None:
    FORMATS[3].write(tmp_path / "x.parquet", [row(), row(labels=["食品"]), row(broken=True)])
    first, second, broken = pq.read_table(tmp_path / "x.parquet").to_pylist()
    assert first == {
        "id": "A1",
        "title": '红茶, "特级"',
        "level1": "食品",
        "level2": "茶",
        "image": "1/1.jpg",
    }
    assert second["level2"] is None
    assert set(broken.values()) == {None}


def test_annotations_have_mep3m_s_words_for_what_is_missing(tmp_path: Path) -> None:
    write = FORMATS[0].write
    write(tmp_path / "a.json", [row(), row(labels=[], ids=[], image=None, size=None), row(broken=True)])
    first, second, broken = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert (first["class_id"], first["sub_class_name"], first["subsub_class_id"]) == ("5", "茶", "FALSE")
    assert first["img_resolution"] == [293, 220, 3]  # height before width
    assert (second["class_name"], second["img_path"]) == ("FALSE", "FALSE")
    assert isinstance(broken, str)


@pytest.mark.parametrize("index", range(6))
def test_a_catalogue_without_rows_is_a_file_all_the_same(tmp_path: Path, index: int) -> None:
    FORMATS[index].write(tmp_path / FORMATS[index].file, [])
    assert (tmp_path / FORMATS[index].file).exists()


def test_a_tsv_writes_nothing_for_none(tmp_path: Path) -> None:
    write_tsv(tmp_path / "t.tsv", ("a", "b"), [(1, None), ("茶", 2.5)])
    assert (tmp_path / "t.tsv").read_bytes() == "a\tb\n1\t\n茶\t2.5\n".encode()


@pytest.mark.parametrize("shape", sorted({leaf.kind.shape for leaf in WORLD.leaves}))
def test_every_shape_can_be_drawn_and_shows_something(shape: str) -> None:
    leaf = next(n for n, leaf in enumerate(WORLD.leaves) if leaf.kind.shape == shape)
    item = make_item(7, leaf, WORLD.leaves[leaf], 0)
    image, lines = draw(item, WORLD.leaves[leaf], 0.0)
    assert lines == ()
    assert np.asarray(image.convert("L")).std() > 3  # the grain alone has 0.3
    again, _ = draw(item, WORLD.leaves[leaf], 0.0)
    assert image.tobytes() == again.tobytes()


@settings(deadline=None, max_examples=15)
@given(number=st.integers(0, 500))
def test_text_on_a_picture_is_of_the_product_or_of_the_shop(number: int) -> None:
    leaf = number % len(WORLD.leaves)
    item = make_item(number, leaf, WORLD.leaves[leaf], 0)
    image, lines = draw(item, WORLD.leaves[leaf], 1.0)
    assert 1 <= len(lines) <= 5
    assert len({line.text for line in lines}) == len(lines)
    assert [line.box[1] for line in lines] == sorted(line.box[1] for line in lines)
    for line in lines:
        assert (line.kind == "promotional") == (line.text in PROMOTIONS)
        assert line.box[0] < line.box[2]
        assert line.box[1] < line.box[3]
    assert image.width >= 200


def test_another_shop_s_copy_is_the_same_picture_in_other_bytes() -> None:
    item = make_item(3, 0, WORLD.leaves[0], 0)
    image, lines = draw(item, WORLD.leaves[0], 1.0)
    first = encode(image, lines, Random(1))
    for seed in range(6):
        copy = re_encode(image, lines, Random(seed))
        assert copy.content != first.content
        with Image.open(io.BytesIO(copy.content)) as opened:
            assert opened.size == copy.size
            small = np.asarray(opened.convert("L").resize((32, 32)), dtype=float)
        assert np.abs(small - np.asarray(image.convert("L").resize((32, 32)), dtype=float)).mean() < 14
        scale = copy.size[0] / image.width
        for line, moved in zip(lines, copy.lines, strict=True):
            assert line.text == moved.text
            assert moved.box == pytest.approx([edge * scale for edge in line.box], abs=1)


def test_a_blurred_picture_has_lost_its_edges() -> None:
    image, _ = draw(make_item(3, 0, WORLD.leaves[0], 0), WORLD.leaves[0], 0.0)
    edges = [
        np.abs(np.diff(np.asarray(one.convert("L"), dtype=float))).max() for one in (image, blurred(image))
    ]
    assert edges[1] < edges[0] / 4
