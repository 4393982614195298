"""Images: what is let in, where it is found, and what happens to the rest."""

import base64
import io
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image

from mep3m.errors import FormatError
from mep3m.imaging.examine import examine
from mep3m.product import Product, to_table
from mep3m.settings.sources import ImageLimits
from mep3m.sources.base import Batch
from mep3m.sources.images.archives import read_members
from mep3m.sources.images.intake import COLUMNS, Intake, is_url
from mep3m.store.images import ContentImages
from tests.ingest.shop import picture
from tests.sources.rar import rar

LIMITS = ImageLimits(max_bytes=100_000, max_pixels=10_000)


def bomb() -> bytes:
    """A PNG whose head claims 50,000 x 50,000 pixels."""
    content = bytearray(picture())
    content[16:24] = (50_000).to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_allowed_images(kind: str) -> None:
    assert examine(picture(1, kind), LIMITS) == (12, 10, kind.lower().replace("jpeg", "jpg"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (bytes(100_001), "at most 100,000 are allowed"),
        (picture(1, "JPEG", (80, 80))[:-300], "broken"),
        (picture(1)[:-25], "broken"),
        (bomb(), "pixels"),
        (picture(1, "PNG", (200, 200)), "40,000 pixels (200 x 200)"),
        (b"<!DOCTYPE html><html></html>", "a web page, not an image"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', "SVG, not an image"),
        (picture(1, "TIFF"), "not an image of an allowed type"),
        (b"random bytes", "not an image of an allowed type"),
    ],
)
def test_other_content_is_refused_with_its_reason(content: bytes, reason: str) -> None:
    with pytest.raises(FormatError) as caught:
        examine(content, LIMITS)
    assert reason in str(caught.value)


def batch(*references: str | None) -> Batch:
    products = [
        Product(f"s:{i}", "s", str(i), image_ref=reference, file="f", line=i + 1)
        for i, reference in enumerate(references)
    ]
    return Batch(to_table(products))


def take(tmp_path: Path, root: Path | None, *references: str | None) -> tuple[list[str | None], list[str]]:
    taken = Intake(tmp_path / "store", root, LIMITS).take(batch(*references))
    return taken.products["image"].to_pylist(), [reject.reason for reject in taken.rejects]


def test_paths_never_leave_their_folder(tmp_path: Path) -> None:
    root = tmp_path / "images"
    root.mkdir()
    (tmp_path / "secret.png").write_bytes(picture(1))
    (root / "link.png").symlink_to(tmp_path / "secret.png")
    references = (
        "../secret.png",
        str(tmp_path / "secret.png"),
        "a/../../secret.png",
        "link.png",
        "C:\\x.png",
    )
    images, reasons = take(tmp_path, root, *references)
    assert images == [None] * 5
    assert len(reasons) == 5
    assert all("leave" in reason or "leads out" in reason for reason in reasons)


def test_images_in_a_folder(tmp_path: Path) -> None:
    root = tmp_path / "images"
    (root / "a").mkdir(parents=True)
    (root / "a/1.png").write_bytes(picture(1))
    (root / "empty.png").write_bytes(b"")
    images, reasons = take(
        tmp_path, root, "a\\1.png", None, "a/1.png", "empty.png", "a", "none.png", "x" * 300
    )
    assert images[0] == images[2]
    assert images[0] is not None
    assert ContentImages(tmp_path / "store").read(images[0]) == picture(1)
    assert len(reasons) == 4


def test_without_a_root_images_wait(tmp_path: Path) -> None:
    assert take(tmp_path, None, "a.png", "http://a.example/b.png") == ([None, None], [])


def members(names: dict[str, bytes], kind: str, path: Path) -> Path:
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name, content in names.items():
                bundle.writestr(name, content)
    elif kind == "rar":
        path.write_bytes(rar(names))
    else:
        with tarfile.open(path, "w:gz" if kind == "tar.gz" else "w") as bundle:
            for name, content in names.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                bundle.addfile(entry, io.BytesIO(content))
    return path


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "rar"])
class TestArchives:
    def test_one_archive(self, kind: str, tmp_path: Path) -> None:
        files = {"shop/images/1.png": picture(1), "shop/images/2.png": b"broken"}
        archive = members(files, kind, tmp_path / f"all.{kind}")
        images, reasons = take(tmp_path, archive, "images/1.png", "images/2.png", "images/3.png")
        assert images[0] is not None
        assert images[1:] == [None, None]
        assert sorted(reason.split(" ")[0] for reason in reasons) == ["no", "this"]

    def test_one_archive_a_category_as_mep3m_is_released(self, kind: str, tmp_path: Path) -> None:
        root = tmp_path / "rars"
        root.mkdir()
        members({"1.png": picture(1), "2.png": picture(2)}, kind, root / f"7.{kind}")
        members({"8/1.png": picture(3)}, kind, root / f"8.{kind}")
        images, reasons = take(tmp_path, root, "Images/7/1.png", "Images/8/1.png", "Images/7/2.png")
        assert reasons == []
        store = ContentImages(tmp_path / "store")
        assert [store.read(str(image)) for image in images] == [picture(1), picture(3), picture(2)]

    def test_a_damaged_archive_refuses_its_images_and_no_others(self, kind: str, tmp_path: Path) -> None:
        root = tmp_path / "rars"
        root.mkdir()
        whole = members({"7/1.png": picture(1)}, kind, root / f"7.{kind}")
        cut = 550 if kind == "tar" else whole.stat().st_size // 2
        whole.write_bytes(whole.read_bytes()[:cut])
        members({"8/1.png": picture(3)}, kind, root / f"8.{kind}")
        images, reasons = take(tmp_path, root, "Images/7/1.png", "Images/8/1.png")
        assert images[0] is None
        assert images[1] is not None
        assert len(reasons) == 1

    def test_a_bomb_stops_at_the_limit(self, kind: str, tmp_path: Path) -> None:
        archive = members({"1.png": bytes(5_000_000)}, kind, tmp_path / f"all.{kind}")
        assert [len(content) for _, content in read_members(archive, 1000)] == [1001]
        _, reasons = take(tmp_path, archive, "1.png")
        assert "at most 100,000 are allowed" in reasons[0]


#: RAR 5, best compression, solid (`rar a -m5 -s 7.rar 7.bmp 8.bmp`): bitmaps of 32 x 32 pixels
COMPRESSED_RAR = """
UmFyIRoHAQAJ78hvCwEFBwQGAQGAgIAAIbPTcSMCAwvHAAS2GKSDAm1Yfo6AHQEFNy5ibXAKAxN4ewNrARg/EcTaRD
REQvojB5BwogwoIoAQLJC6BH1WQ+BPgUJ7fX7NncrpNf1RY7E7u0lrK3o5nihWe5CtZD+Bb5fw7aHKbRAziXutK6ZA
ogbvviMCAwuPAAS2GKSDAp4SaPfAHQEFOC5ibXAKAxN4ewNr105CEUAWDFX+GxEDaJY60rpkAB13VlEDBQQA
"""


def test_a_compressed_solid_rar_is_read(tmp_path: Path) -> None:
    (tmp_path / "rars").mkdir()
    (tmp_path / "rars" / "301.rar").write_bytes(base64.b64decode(COMPRESSED_RAR))
    images, reasons = take(tmp_path, tmp_path / "rars", "Images/301/8.bmp", "Images/301/7.bmp")
    assert reasons == []
    store = ContentImages(tmp_path / "store")
    for image, red_until in zip(images, (28, 27), strict=True):
        with Image.open(io.BytesIO(store.read(str(image)))) as read:
            assert [read.getpixel((x, 10)) == (255, 255, 255) for x in (red_until, red_until + 1)] == [
                False,
                True,
            ]


def test_links_in_archives_are_left_out(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as bundle:
        entry = tarfile.TarInfo("1.png")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        bundle.addfile(entry)
    assert list(read_members(tmp_path / "a.tar", 10)) == []


def test_a_truncated_image_does_not_raise(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.effect_noise((90, 90), 50).save(out, "JPEG")
    root = tmp_path / "i"
    root.mkdir()
    for cut in range(0, len(out.getvalue()), 97):
        (root / f"{cut}.jpg").write_bytes(out.getvalue()[:cut])
    names = sorted(path.name for path in root.iterdir())
    images, reasons = take(tmp_path, root, *names)
    assert len(reasons) + sum(image is not None for image in images) == len(names)


def test_images_that_lie_beside_an_archive_are_found(tmp_path: Path) -> None:
    root = tmp_path / "images"
    root.mkdir()
    members({"2.png": picture(2), "1.png": picture(9)}, "zip", root / "more.zip")
    (root / "1.png").write_bytes(picture(1))
    images, reasons = take(tmp_path, root, "2.png", "1.png", "3.png")
    store = ContentImages(tmp_path / "store")
    assert [store.read(str(image)) for image in images[:2]] == [picture(2), picture(1)]
    assert reasons == ["no archive holds this image"]


def test_an_image_that_many_products_share_is_looked_at_once_a_row_and_stored_once(tmp_path: Path) -> None:
    root = tmp_path / "images"
    root.mkdir()
    (root / "1.png").write_bytes(picture(1))
    images, reasons = take(tmp_path, root, *["1.png"] * 5)
    assert (len(set(images)), reasons) == (1, [])
    assert len([path for path in (tmp_path / "store").rglob("*") if path.is_file()]) == 1


def test_bytes_inside_the_source_come_before_the_folder(tmp_path: Path) -> None:
    given = batch("1.png", "2.png", None)
    contents = Batch(given.products, [], [picture(7), b"", None])
    taken = Intake(tmp_path / "store", None, LIMITS).take(contents)
    first, second, third = taken.products["image"].to_pylist()
    assert ContentImages(tmp_path / "store").read(first) == picture(7)
    assert (second, third) == (None, None)
    (reject,) = taken.rejects
    assert (reject.product, reject.field, reject.value) == ("s:1", "image", "2.png")
    assert (reject.file, reject.line, reject.reason) == ("f", 2, "the image is empty (0 bytes)")


def test_every_other_column_stays_as_it_was(tmp_path: Path) -> None:
    root = tmp_path / "images"
    root.mkdir()
    (root / "1.png").write_bytes(picture(1))
    before = batch("1.png", "gone.png")
    after = Intake(tmp_path / "store", root, LIMITS).take(before)
    assert after.products.schema == before.products.schema
    assert after.products.drop_columns(list(COLUMNS)).equals(before.products.drop_columns(list(COLUMNS)))
    assert after.products["image_width"].to_pylist() == [12, None]


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("http://a/1.jpg", True),
        ("https://a/1.jpg", True),
        ("//a/1.jpg", True),
        ("a/1.jpg", False),
        ("ftp://a", False),
    ],
)
def test_an_address_is_told_from_a_path(reference: str, url: bool) -> None:
    assert is_url(reference) is url
