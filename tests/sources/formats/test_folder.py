"""A folder of images: the way to an image is its category, and nothing else in the folder counts."""

from pathlib import Path

import pyarrow as pa
import pytest

from mep3m.engine import make_engine
from mep3m.errors import InputError
from mep3m.ingest.run import ingest
from mep3m.settings.sources import SourceEntry
from mep3m.sources.formats import folder
from mep3m.sources.formats.folder import SUFFIXES, FolderSource
from tests.ingest.shop import picture


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number, name in enumerate(["食品/茶/b.png", "食品/茶/a.PNG", "食品/c.png", "玩具/d.png", "e.png"]):
        path = tmp_path / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(number))
    (tmp_path / "shop" / "食品" / "readme.txt").write_text("not an image")
    (tmp_path / "shop" / "空.png").mkdir()  # a folder that is called like an image
    return tmp_path / "shop"


def read(source: FolderSource) -> pa.Table:
    return pa.concat_tables([batch.products for part in source.parts() for batch in source.read(part)])


def test_the_folders_on_the_way_are_the_path(root: Path) -> None:
    table = read(FolderSource(root, "shop"))
    found = dict(zip(table["source_id"].to_pylist(), table["source_path"].to_pylist(), strict=True))
    assert found == {
        "e.png": [],
        "玩具/d.png": ["玩具"],
        "食品/c.png": ["食品"],
        "食品/茶/a.PNG": ["食品", "茶"],
        "食品/茶/b.png": ["食品", "茶"],
    }
    assert table["source_id"].to_pylist() == sorted(found)
    assert table["image_ref"].to_pylist() == table["source_id"].to_pylist()
    assert table["line"].to_pylist() == [1, 2, 3, 4, 5]
    assert table["title"].null_count == 5


@pytest.mark.parametrize("size", [1, 2, 4, 5, 100])
def test_any_size_of_part_gives_the_same_rows(root: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    whole = read(FolderSource(root, "shop"))
    monkeypatch.setattr(folder, "PART_IMAGES", size)
    source = FolderSource(root, "shop")
    assert [part.line for part in source.parts()] == list(range(1, 6, size))
    assert read(source).equals(whole)


def test_every_image_goes_into_the_store_with_its_bytes(root: Path, tmp_path: Path) -> None:
    entry = SourceEntry(name="shop", path="shop")
    store = ingest([entry], tmp_path, tmp_path / "s", make_engine())
    for product in store.products():
        assert product.image is not None
        assert store.images.read(product.image) == (root / product.source_id).read_bytes()
    (root / "f.png").write_bytes(b"not an image")
    newer = ingest([entry], tmp_path, tmp_path / "s", make_engine())
    assert newer.manifest["update"]["added"] == 1
    assert [row["value"] for row in newer.rejects().to_pylist()] == ["f.png"]


def test_a_folder_without_images_lists_the_endings(tmp_path: Path) -> None:
    (tmp_path / "a.tiff").write_bytes(picture(1, "TIFF"))
    with pytest.raises(
        InputError, match=r"holds no images \(endings: .bmp, .gif, .jpeg, .jpg, .png, .webp\)"
    ):
        FolderSource(tmp_path, "shop").parts()
    assert len(SUFFIXES) == 6
