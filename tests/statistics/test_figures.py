"""What a report draws is all in the figures of a store: nothing is read or counted while drawing."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mep3m.product import Label, Product, to_table
from mep3m.report.dataset_report import report_dataset
from mep3m.statistics.figures import SIDE, ClassNode, class_tree, dataset_figures
from mep3m.statistics.numbers import statistics
from mep3m.store import Plan, Store, StoreWriter
from mep3m.taxonomy import Category, Taxonomy

TREE = Taxonomy(
    (
        Category("1", "食品", "Food"),
        Category("11", "茶", "Tea", "1"),
        Category("12", "米", parent="1"),
        Category("2", None, "Lamps"),
    )
)


def png(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((20, 30, 3), shade, dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def written(folder: Path, *paths: tuple[str, ...], images: bool = True) -> Store:
    writer = StoreWriter.begin(folder / "s", Plan("ingest", {}, ("a",)))
    kept = Store(folder / "s", {"images": "images"}).images
    rows = [
        Product(
            str(n),
            "jd",
            str(n),
            title="红富士苹果",
            labels=tuple(Label(category, "given", "jd") for category in path),
            image=kept.put(png(100 + n)) if images else None,
        )
        for n, path in enumerate(paths)
    ]
    writer.write(0, to_table(rows))
    return writer.finish(TREE)


def test_the_figures_of_a_store_are_its_numbers_pictures_and_tree(tmp_path: Path) -> None:
    store = written(tmp_path, ("1", "11"), ("1", "12"), ("2",))
    figures = dataset_figures(store, seed=3)
    assert figures.numbers == statistics(store, seed=3)
    assert figures.mosaic is not None
    assert figures.mosaic[:2] == b"\xff\xd8"
    names = {"茶", "米", "Lamps"}
    assert figures.look_alikes
    for pair in figures.look_alikes:
        assert {pair.left_class, pair.right_class} < names  # names, where the taxonomy has the class
        assert 0 <= pair.distance <= 1
        for content in (pair.left, pair.right):
            assert content is not None
            with Image.open(io.BytesIO(content)) as image:
                assert (image.format, image.size) == ("JPEG", (SIDE, SIDE))


def test_a_class_that_the_taxonomy_lacks_keeps_its_id_in_a_pair_and_is_not_in_the_tree(
    tmp_path: Path,
) -> None:
    figures = dataset_figures(written(tmp_path, ("1", "11"), ("gone",)))
    (pair,) = figures.look_alikes
    assert {pair.left_class, pair.right_class} == {"茶", "gone"}
    assert [node.id for node in figures.hierarchy] == ["1", "11"]


def test_an_image_that_is_gone_leaves_its_place_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = written(tmp_path, ("1", "11"), ("2",))
    monkeypatch.setattr("mep3m.statistics.figures.thumbnail", lambda *_: None)
    (pair,) = dataset_figures(store).look_alikes
    assert pair.left is pair.right is None


def test_a_store_without_images_has_neither_mosaic_nor_pairs(tmp_path: Path) -> None:
    figures = dataset_figures(written(tmp_path, ("1", "11"), images=False))
    assert (figures.mosaic, figures.look_alikes) == (None, ())


def test_the_tree_has_the_samples_of_the_first_two_levels(tmp_path: Path) -> None:
    store = written(tmp_path, *[("1", "11")] * 3, ("1",), ("2",), images=False)
    nodes = class_tree(store, statistics(store))
    assert set(nodes) == {
        ClassNode("1", "食品", "", 4),
        ClassNode("2", "Lamps", "", 1),
        ClassNode("11", "茶", "1", 3),
    }


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    paths=st.lists(st.sampled_from([("1", "11"), ("1", "12"), ("1",), ("2",), ("gone", "11")]), max_size=8)
)
def test_a_part_is_never_more_than_the_whole(
    tmp_path_factory: pytest.TempPathFactory, paths: list[tuple[str, ...]]
) -> None:
    store = written(tmp_path_factory.mktemp("tree"), *paths, images=False)
    nodes = {node.id: node for node in class_tree(store, statistics(store))}
    for node in nodes.values():
        below = [one.samples for one in nodes.values() if one.parent == node.id]
        assert sum(below) <= node.samples


def test_drawing_needs_the_store_no_more(tmp_path: Path) -> None:
    store = written(tmp_path, ("1", "11"), ("2",))
    figures = dataset_figures(store)
    for path in store.shards:
        path.unlink()
    report_dataset(figures, tmp_path / "r")
    assert "Hierarchy" in (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
