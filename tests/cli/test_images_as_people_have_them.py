"""`ingest` and `ocr` on archives, folders and tar files as people have them."""

import io
import tarfile
import unicodedata
import zipfile
from pathlib import Path

import orjson
import pytest
from PIL import Image

from mep3m.store import Store
from tests.cli.runner import ran
from tests.sources.images.test_archives import Named


def picture(kind: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(file, kind)
    return file.getvalue()


def found(store: Path) -> dict[str, bool]:
    """Return the products by their id, and whether each has its image."""
    return {product.source_id: product.image is not None for product in Store.open(store).products()}


@pytest.mark.parametrize(
    ("inside", "asked"),
    [
        ("食品/红茶包.jpg".encode("gbk"), "食品/红茶包.jpg"),
        ("食品/红茶包.jpg".encode(), "食品/红茶包.jpg"),
        (unicodedata.normalize("NFD", "Möbel/Café.jpg").encode(), "Möbel/Café.jpg"),
        ("Möbel/Café.jpg".encode(), unicodedata.normalize("NFD", "Möbel/Café.jpg")),
    ],
    ids=["GBK", "UTF-8", "NFD inside", "NFD in the table"],
)
def test_names_in_zip_files_are_found(tmp_path: Path, inside: bytes, asked: str) -> None:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as bundle:
        bundle.writestr(Named(inside), picture())
    (tmp_path / "t.csv").write_text(f"id,title,image\n1,tea,{asked}\n", encoding="utf-8")
    options = ("--title", "title", "--id", "id", "--image", "image", "--image-root", tmp_path / "photos.zip")
    result = ran("ingest", tmp_path / "t.csv", "--store", tmp_path / "s", *options)
    assert result.code == 0, result.err
    assert found(tmp_path / "s") == {"1": True}


def test_a_folder_takes_or_names_every_image(tmp_path: Path) -> None:
    names = ("茶/1.jfif", "茶/2.jpe", "茶/3.JPG", "茶/4.tif", "茶/5.avif", "茶/6.heic")
    hidden = (".git/a.jpg", "@eaDir/a.jpg", "__MACOSX/茶/._1.jpg", ".ipynb_checkpoints/a.jpg")
    for name in names + hidden:
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture())
    result = ran("ingest", tmp_path / "photos", "--store", tmp_path / "s")
    assert result.code == 1
    assert found(tmp_path / "s") == {"茶/1.jfif": True, "茶/2.jpe": True, "茶/3.JPG": True}
    refused = Store.open(tmp_path / "s").rejects().to_pylist()
    assert sorted(row["value"] for row in refused) == ["茶/4.tif", "茶/5.avif", "茶/6.heic"]


@pytest.mark.parametrize(
    ("members", "keys"),
    [
        (("0001.front.jpg", "0001.txt"), {"0001": True}),
        (("1.5kg.jpg", "1.5kg.txt"), {"1.5kg": True}),
        (("._1.jpg", "1.jpg", "1.txt"), {"1": True}),
    ],
)
def test_names_in_webdataset_files_are_read(
    tmp_path: Path, members: tuple[str, ...], keys: dict[str, bool]
) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as bundle:
        for name in members:
            content = picture() if name.endswith("jpg") else b"tea"
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            bundle.addfile(entry, io.BytesIO(content))
    result = ran("ingest", tmp_path / "a.tar", "--format", "webdataset", "--store", tmp_path / "s")
    assert result.code == 0, result.err
    assert found(tmp_path / "s") == keys


def test_ocr_reads_or_counts_every_image(tmp_path: Path) -> None:
    for name, kind in (("a.jfif", "JPEG"), ("b.jpe", "JPEG"), ("c.tif", "TIFF"), ("d.avif", "AVIF")):
        (tmp_path / name).write_bytes(picture(kind))
    (tmp_path / "e.heic").write_bytes(b"ftypheic")
    out = tmp_path / "lines.jsonl"
    result = ran("ocr", tmp_path, "--out", out, "--backend", "none", "--workers", "1", "--json")
    assert result.code == 0, result.err
    assert (result.json["images"], result.json["failed"], result.json["unread"]) == (4, 0, 1)
    assert "note: 1 images are not read (e.heic); convert them to JPEG or PNG" in result.err
    assert [orjson.loads(line)["image"] for line in out.read_bytes().splitlines()] == [
        *("a.jfif", "b.jpe", "c.tif", "d.avif")
    ]
