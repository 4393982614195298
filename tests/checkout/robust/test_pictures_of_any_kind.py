"""Exemplars and pictures of trays as people have them: any mode, any size, any name, and what is broken."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from mep3m.checkout.coco import read_annotated
from mep3m.checkout.counter import shown
from mep3m.checkout.cut_out import cut_out
from mep3m.checkout.exemplars import open_exemplars
from mep3m.checkout.score import known_truth
from mep3m.errors import InputError
from tests.checkout.made import folder_of, picture
from tests.cli.runner import ran


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def transparent() -> Image.Image:
    """Return the picture with its white background made transparent, and a colour below it."""
    colours = np.asarray(picture("red"))
    white = (colours == 255).all(axis=2)
    colours = np.where(white[..., None], (9, 200, 9), colours).astype(np.uint8)
    return Image.fromarray(np.dstack([colours, np.where(white, 0, 255).astype(np.uint8)]))


def sixteen_bits() -> Image.Image:
    return Image.fromarray(np.asarray(picture("red").convert("L")).astype(np.uint16) * 257)


#: what a camera writes that was held upright: the orientation 6
TURNED = Image.Exif()
TURNED[ExifTags.Base.Orientation] = 6
EXACT = {
    "palette": saved(picture("red").quantize(8)),
    "alpha": saved(transparent()),
    "bmp": saved(picture("red"), "BMP"),
    "webp": saved(picture("red"), "WEBP", lossless=True),
    "turned": saved(picture("red").transpose(Image.Transpose.ROTATE_90), exif=TURNED),
}  # fmt: skip
NEAR = {
    "cmyk": saved(picture("red").convert("CMYK"), "JPEG", quality=95),
    "grey": saved(picture("red").convert("L")),
    "16 bits": saved(sixteen_bits()),
    "1 bit": saved(picture("black").convert("1")),
    "animation": saved(picture("red"), "GIF", save_all=True, append_images=[picture("blue")]),
}


@pytest.mark.parametrize("kind", EXACT)
def test_a_picture_is_cut_out_the_same_however_it_is_kept(kind: str) -> None:
    usual, cut = cut_out(saved(picture("red"))), cut_out(EXACT[kind])
    assert cut.quality == "cut"
    assert (cut.mask == usual.mask).all()
    assert (cut.pixels == usual.pixels).all()


@pytest.mark.parametrize("kind", NEAR)
def test_a_picture_of_other_colours_is_cut_at_the_same_outline(kind: str) -> None:
    usual, cut = cut_out(saved(picture("red"))), cut_out(NEAR[kind])
    assert cut.quality == "cut"
    assert np.abs(np.subtract(cut.mask.shape, usual.mask.shape)).max() <= 2
    assert cut.pixels.shape == (*cut.mask.shape, 3)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (2, 2), (3, 500), (2000, 3)])
def test_pictures_of_hardly_any_size_are_cut_whole_or_refused(size: tuple[int, int]) -> None:
    values = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3)).astype(np.uint8)
    if size == (1, 1):
        with pytest.raises(InputError, match="shows nothing"):
            cut_out(saved(Image.fromarray(values)))
        return
    cut = cut_out(saved(Image.fromarray(values)))
    assert cut.mask.any()
    assert cut.pixels.shape == (*cut.mask.shape, 3)
    assert cut.quality == "cut" or cut.why


sides = st.sampled_from([-1e308, -500.0, -51.0, 0.0, 20.5, 119.0, 130.0, 1e308])


@settings(max_examples=40)
@given(sides, sides, st.sampled_from([0.5, 30.0, 60.0, 1e308]), st.sampled_from([0.5, 80.0, 1e308]))
def test_a_box_gives_what_lies_in_it_or_is_refused(
    left: float, top: float, width: float, height: float
) -> None:
    """What is cut shows no pixel outside of the box and a tenth around it."""
    marked = np.asarray(picture("red")).copy()
    marked[..., 2] = np.arange(120)[:, None]  # the blue of a pixel says its row
    margin = max(width, height) / 10
    first, last = top - margin, top + height + margin
    try:
        cut = cut_out(saved(Image.fromarray(marked)), (left, top, width, height))
    except InputError:
        return
    assert cut.pixels[..., 2].min() >= np.floor(max(first, 0))
    assert cut.pixels[..., 2].max() <= last
    assert left - margin < 120
    assert left + width + margin > 0


@pytest.mark.parametrize("box", [(-60, 30, 20, 20), (30, -60, 20, 20), (-60, -60, 20, 20), (1e308, 0, 9, 9)])
def test_a_box_beside_the_picture_is_refused(box: tuple[float, float, float, float]) -> None:
    """Such a box once gave another part of the picture."""
    with pytest.raises(InputError, match="lies outside the picture"):
        cut_out(saved(picture("red")), box)


#: names of folders: as shells, tables, Windows, right-to-left writing and old disks have them
NAMES = [
    *(b"-rf", b" tea", b"a,b;c", b'say "tea"', b"two\nlines", b"100%", b"a.jpg", b"\xff\xfe"),
    *(name.encode() for name in ("绿茶 500ml", "☕️", "e\u0301", "\u202etea", "茶" * 80)),
]


def test_products_of_any_name_are_drawn_scored_and_told(tmp_path: Path) -> None:
    here = os.fsencode(tmp_path / "e")
    for number, name in enumerate(NAMES):
        (folder := Path(os.fsdecode(here + b"/" + name))).mkdir(parents=True)
        image = Image.new("RGB", (80, 80), "white")
        image.paste((250 - 19 * number, 19 * number, 90), (20, 10, 60, 70))
        (folder / "1.PNG").write_bytes(saved(image))
        (folder / "2.png").write_bytes(b"no picture")
    done = ran("checkout", "draw", tmp_path / "e", "--images", 1, "--side", 128, "--out", tmp_path / "s",
               "--json")  # fmt: skip
    assert done.code == 1
    assert done.json["products"] == len(NAMES)
    assert len(done.json["refused"]) == len(NAMES)
    assert f"{len(NAMES)} pictures or rows were left out" in done.err
    found, _ = open_exemplars(tmp_path / "e")
    scenes = read_annotated(tmp_path / "s")
    assert [one.name for one in scenes.products] == [one.product.name.strip() for one in found]
    truth = known_truth(scenes, [one.product for one in found], tmp_path / "s")
    assert (truth.product == scenes.boxes.product).all()
    assert {"\\xff\\xfe", "two\nlines", "-rf"} < {one.product.name for one in found}


def test_links_that_lead_up_end_and_links_elsewhere_are_products(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "e", 2)
    (folder / "red" / "up").symlink_to(folder)
    (folder / "red" / "self").symlink_to(folder / "red")
    (folder / "broken").symlink_to(tmp_path / "gone")
    folder_of(tmp_path / "other", 3)
    (folder / "green").symlink_to(tmp_path / "other" / "green")
    found, refused = open_exemplars(folder)
    assert [one.product.name for one in found] == ["blue", "green", "red"]
    assert [len(one.photos) for one in found] == [1, 1, 1]
    assert refused == []


def test_what_systems_leave_is_no_product_and_no_picture(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "e", 2)
    for name in (".git", "__MACOSX", "@eaDir"):
        (folder / name).mkdir()
        picture("gold").save(folder / name / "1.png")
    (folder / "red" / "._0.png").write_bytes(b"resource fork")
    (folder / "red" / "Thumbs.db").write_bytes(b"thumbs")
    os.mkfifo(folder / "red" / "pipe.png")
    found, refused = open_exemplars(folder)
    assert [(one.product.name, len(one.photos)) for one in found] == [("blue", 1), ("red", 1)]
    assert refused == []


def test_the_smallest_cut_out_can_be_looked_at() -> None:
    view = shown(np.zeros((1, 1, 3), np.uint8), np.ones((1, 1), bool), 45.0)
    assert (view.max(axis=2) < 200).any()
