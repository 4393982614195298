"""A folder of images: the way to an image is its category, and nothing else in the folder counts."""

import unicodedata
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
        InputError,
        match=r"holds no images \(endings: .bmp, .gif, .jfif, .* but 1 that are not read \(a.tiff\)",
    ):
        FolderSource(tmp_path, "shop").parts()
    assert len(SUFFIXES) == 8


def of_folder(root: Path) -> tuple[dict[str, list[str]], list[tuple[str | None, str]]]:
    """Return the path of each product by its id, and (file, reason) of what was refused."""
    source = FolderSource(root, "shop")
    batches = [batch for part in source.parts() for batch in source.read(part)]
    paths = {row["source_id"]: row["source_path"] for batch in batches for row in batch.products.to_pylist()}
    return paths, [(reject.value, reject.reason) for batch in batches for reject in batch.rejects]


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture(1, "JPEG"))


def test_every_image_is_taken_in_or_named(tmp_path: Path) -> None:
    for name in ("1.jfif", "2.jpe", "3.JPG", "4.tif", "5.tiff", "6.avif", "7.heic"):
        put(tmp_path / "茶" / name)
    paths, refused = of_folder(tmp_path)
    assert paths == {f"茶/{name}": ["茶"] for name in ("1.jfif", "2.jpe", "3.JPG")}
    assert [value for value, _ in refused] == [
        f"茶/{name}" for name in ("4.tif", "5.tiff", "6.avif", "7.heic")
    ]
    assert refused[-1][1] == "images ending in .heic are not read; convert it to JPEG or PNG"


def test_what_systems_leave_is_neither_category_nor_product(tmp_path: Path) -> None:
    for name in (".git/a.jpg", ".ipynb_checkpoints/a.jpg", "@eaDir/a.jpg", "__MACOSX/a.jpg", "茶/._1.jpg"):
        put(tmp_path / name)
    put(tmp_path / "茶/1.jpg")
    assert of_folder(tmp_path) == ({"茶/1.jpg": ["茶"]}, [])


def test_linked_folders_below_the_root_are_entered_and_others_named(tmp_path: Path) -> None:
    put(tmp_path / "root/store/1.jpg")
    put(tmp_path / "elsewhere/2.jpg")
    (tmp_path / "root/linked").symlink_to(tmp_path / "root/store")
    (tmp_path / "root/store/back").symlink_to(tmp_path / "root")  # would never end
    (tmp_path / "root/out").symlink_to(tmp_path / "elsewhere")
    paths, refused = of_folder(tmp_path / "root")
    assert paths == {"linked/1.jpg": ["linked"], "store/1.jpg": ["store"]}
    assert [(value, reason[:45]) for value, reason in refused] == [
        ("out", "the folder is a link that leads out of the ro")
    ]


def test_names_that_macos_takes_apart_are_composed(tmp_path: Path) -> None:
    put(tmp_path / unicodedata.normalize("NFD", "Möbel/Café.jpg"))
    assert of_folder(tmp_path)[0] == {"Möbel/Café.jpg": ["Möbel"]}
