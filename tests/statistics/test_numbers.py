import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mep3m.product import Label, Product, to_table
from mep3m.statistics.numbers import statistics
from mep3m.statistics.pictures import look_alikes, mosaic
from mep3m.store import Plan, Reject, Store, StoreWriter
from mep3m.taxonomy import Category, Taxonomy

TREE = Taxonomy(
    (
        Category("5", "食品", "Food"),
        Category("523", "水果", "Fruit", parent="5"),
        Category("528", "肉类", "Meat", parent="5"),
        Category("7", "母婴", "Baby"),
    )
)


def png(shade: int, spot: int) -> bytes:
    pixels = np.full((20, 30, 3), shade, dtype=np.uint8)
    pixels[:5, :5] = spot
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def given(*path: str) -> tuple[Label, ...]:
    return tuple(Label(category, "given", "shop") for category in path)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    writer = StoreWriter.begin(tmp_path / "s", Plan("ingest", {}, ("a", "b")))
    images = Store(tmp_path / "s", {"images": "images"}).images
    keys = [images.put(png(shade, spot)) for shade, spot in [(200, 0), (199, 0), (20, 9), (120, 255)]]
    size = {"image_width": 30, "image_height": 20, "image_format": "png"}
    first = [
        Product(
            "1",
            "jd",
            "1",
            title="红富士苹果 苹果",
            labels=given("5", "523"),
            image=keys[0],
            ocr="包邮",
            **size,
        ),
        Product("2", "jd", "2", title="苹果手机", labels=given("5", "528"), image=keys[1], group="g", **size),
        Product("3", "tb", "3", title="奶粉", labels=given("7"), image=keys[2], group="own", **size),
    ]
    second = [
        Product("4", "tb", "4", title="坏", dropped="quality: blank"),
        Product("5", "tb", "5", labels=given("5", "523"), image=keys[3], group="g", **size),
    ]
    writer.write(0, to_table(first))
    writer.write(1, to_table(second), [Reject("ingest", "tb", "no id")])
    return writer.finish(TREE)


def test_counts_are_of_kept_rows(store: Store) -> None:
    found = statistics(store)
    assert found["rows"] == {
        "total": 5,
        "kept": 4,
        "dropped": {"quality: blank": 1},
        "refused": {"no id": 1},
        "sources": {"jd": 2, "tb": 2},
        "duplicate_groups": 1,
        "in_duplicate_groups": 2,
    }
    assert [(c["name_en"], c["samples"], c["subclasses"]) for c in found["classes"]] == [
        ("Food", 3, 2),
        ("Baby", 1, 0),
    ]
    assert found["levels"] == [{"level": 1, "classes": 2, "rows": 4}, {"level": 2, "classes": 2, "rows": 3}]
    assert [(c["name_zh"], c["samples"]) for c in found["subclasses"]] == [("水果", 2), ("肉类", 1)]


def test_titles_images_and_text(store: Store) -> None:
    found = statistics(store)
    titles = found["titles"]
    assert (titles["count"], titles["characters"], titles["min"], titles["max"]) == (3, 14, 2, 8)
    assert titles["lengths"] == {2: 1, 4: 1, 8: 1}
    assert found["images"]["resolutions"] == {"30x20": 4}
    assert found["images"]["formats"] == {"png": 4}
    assert found["ocr"] == {"rows": 1, "share": 0.25}
    assert found["characters"]["title"]["果"] == 3
    assert found["characters"]["ocr"] == {"包": 1, "邮": 1}
    assert found["words"]["苹果"] == 3


def test_an_empty_store_has_statistics_too(tmp_path: Path) -> None:
    empty = StoreWriter.begin(tmp_path / "e", Plan("ingest", {}, ())).finish()
    found = statistics(empty)
    assert found["rows"]["total"] == 0
    assert found["titles"]["mean"] is None
    assert mosaic(empty) is None
    assert look_alikes(empty) == []


def test_a_level_that_is_not_known_is_no_class(tmp_path: Path) -> None:
    writer = StoreWriter.begin(tmp_path / "s", Plan("ingest", {}, ("a",)))
    unknown = Label(None, "given", "shop")
    paths = [(unknown, *given("523")), (*given("5"), unknown, *given("9")), (), given("5", "523")]
    writer.write(0, to_table(Product(str(n), "s", str(n), labels=path) for n, path in enumerate(paths)))
    found = statistics(writer.finish(TREE))
    assert [(row["id"], row["samples"]) for row in found["classes"]] == [("5", 2)]
    assert [(row["id"], row["samples"]) for row in found["subclasses"]] == [("523", 2)]
    assert [(row["classes"], row["rows"]) for row in found["levels"]] == [(1, 2), (1, 2), (1, 1)]


@pytest.mark.parametrize("damage", ["gone", "cut", "nonsense", "empty"])
def test_an_image_that_cannot_be_read_is_left_out_of_the_pictures(store: Store, damage: str) -> None:
    key = next(product.image for product in store.products() if product.image)
    path = store.images.file(key)
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": path.read_bytes()[:45], "nonsense": b"<html>", "empty": b""}[damage])
    assert mosaic(store) is not None
    assert key not in {image for pair in look_alikes(store) for image in (pair.left, pair.right)}


def test_the_mosaic_holds_every_image_once(store: Store) -> None:
    picture = mosaic(store, columns=2, rows=2, side=10)
    assert picture is not None
    with Image.open(io.BytesIO(picture)) as image:
        assert image.size == (20, 20)


def test_look_alikes_are_of_different_classes_closest_first(store: Store) -> None:
    found = look_alikes(store, count=3)
    assert {found[0].left_class, found[0].right_class} == {"523", "528"}
    assert found[0].distance < 0.01
    distances = [pair.distance for pair in found]
    assert distances == sorted(distances)
    images = [key for pair in found for key in (pair.left, pair.right)]
    assert len(images) == len(set(images))
