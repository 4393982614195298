from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mep3m.errors import FormatError, StoreError
from mep3m.models.inputs.pixels import Decoding, PixelReader, resize, squared
from mep3m.store.images import FolderImages
from mep3m.store.rows import RowCache
from tests.models.catalogue import picture, products


def encoded(mode: str, form: str) -> bytes:
    image = Image.new("RGB", (20, 10), (255, 0, 0))
    if mode == "P-transparent":
        image = image.convert("RGBA").quantize()
        image.info["transparency"] = 0
    elif mode == "I;16":
        image = Image.fromarray(np.full((10, 20), 40_000, np.uint16))
    elif mode == "RGBA":
        image = Image.new("RGBA", (20, 10), (255, 0, 0, 0))
    else:
        image = image.convert(mode)
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


@pytest.mark.parametrize(
    ("mode", "form"),
    [
        ("RGB", "JPEG"),
        ("L", "JPEG"),
        ("CMYK", "JPEG"),
        ("RGBA", "PNG"),
        ("LA", "PNG"),
        ("P", "GIF"),
        ("P-transparent", "PNG"),
        ("I;16", "PNG"),
        ("1", "PNG"),
    ],
)
def test_every_kind_of_image_becomes_three_channels(mode: str, form: str) -> None:
    pixels = squared(encoded(mode, form), 8)
    assert pixels.shape == (3, 8, 8)
    assert pixels.dtype == np.uint8


@settings(max_examples=40)
@given(st.integers(1, 60), st.integers(1, 300), st.integers(1, 300), st.integers(0, 2**16))
def test_images_are_resized_as_pillow_does(size: int, width: int, height: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    image = Image.fromarray(noise)
    theirs = np.asarray(image.resize((size, size), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    # single values differ by more, where an overshoot is cut off between the two passes
    assert np.abs(resize(image, size) - theirs.astype(int)).mean() < 1


def test_transparency_becomes_white() -> None:
    assert squared(encoded("RGBA", "PNG"), 4).min() == 255


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the image is empty"),
        (b"not an image", "this is not an image of a known type: 12 bytes"),
        (picture("tea", 0)[:60], "the image is broken: "),
    ],
)
def test_broken_images_are_refused_in_the_same_words_each_time(content: bytes, says: str) -> None:
    reasons = set()
    for _ in range(2):
        with pytest.raises(FormatError, match=says) as refused:
            squared(content, 8)
        reasons.add(str(refused.value))
    assert len(reasons) == 1


def test_every_row_of_a_broken_image_is_reported(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 4)
    images.file(table["image"][1].as_py()).write_bytes(b"broken")
    twice = table.take([1, 0, 1]).set_column(0, "id", [["a", "b", "c"]])
    assert twice.schema.names[0] == "id"
    for reader in (PixelReader(16), PixelReader(16, tmp_path / "cache")):
        assert [reject.product for reject in reader.find(twice, images).rejects] == ["a", "c"]


def test_a_folder_in_place_of_an_image_is_said_to_be_one(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 2)
    place = images.file(table["image"][0].as_py())
    place.unlink()
    place.mkdir()
    found = PixelReader(16).find(table, images)
    assert found.present().tolist() == [False, True]
    assert [reject.reason.split(":")[0] for reject in found.rejects] == ["this is a folder, not an image"]


def test_images_are_decoded_once_and_broken_ones_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, images = products(tmp_path / "images", 6, without="image")
    images.file(table["image"][2].as_py()).write_bytes(b"broken")
    images.file(table["image"][3].as_py()).unlink()
    found = PixelReader(16, tmp_path / "cache").find(table, images)
    assert found.present().tolist() == [False, True, False, False, True, True]
    assert sorted(reject.product or "" for reject in found.rejects) == ["p2", "p3"]
    assert any("does not exist" in reject.reason for reject in found.rejects)

    def never(*_: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr("mep3m.models.inputs.pixels.squared", never)
    again = PixelReader(16, tmp_path / "cache").find(table.take([1, 4, 5]), images)
    assert again.present().all()
    np.testing.assert_array_equal(again.take(np.array([0]))[0], found.take(np.array([1]))[0])


def test_cache_memory_and_decoding_agree(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 5, without="image")
    rows = np.array([3, 0, 1])
    cached = PixelReader(16, tmp_path / "cache").find(table, images).take(rows)
    for other in (PixelReader(16).find(table, images), Decoding(table, images, 16)):
        pixels, present = other.take(rows)
        np.testing.assert_array_equal(pixels, cached[0])
        np.testing.assert_array_equal(present, cached[1])
        assert other.present().tolist() == [False, True, True, True, True]


def test_files_without_a_hash_are_keyed_by_their_bytes(tmp_path: Path) -> None:
    table, _ = products(tmp_path / "images", 2)
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(picture("tea", 1))
    table = table.set_column(table.schema.get_field_index("image"), "image", [[None, None]])
    table = table.set_column(table.schema.get_field_index("image_ref"), "image_ref", [["a.png", "b.png"]])
    reader = PixelReader(16, tmp_path / "cache")
    assert reader.find(table, FolderImages(tmp_path)).slots.tolist() == [0, 0]
    away = table.set_column(table.schema.get_field_index("image_ref"), "image_ref", [["../a", "b.png"]])
    found = reader.find(away, FolderImages(tmp_path))
    assert found.present().tolist() == [False, True]
    assert "leaves its folder" in found.rejects[0].reason


def test_a_half_written_cache_is_cut_back(tmp_path: Path) -> None:
    cache = RowCache(tmp_path, (2,), "<f4")
    cache.append(["aa" * 16], np.ones((1, 2)))
    with (tmp_path / "values.bin").open("ab") as file:
        file.write(b"123")
    again = RowCache(tmp_path, (2,), "<f4")
    again.append(["bb" * 16], np.full((1, 2), 3))
    assert again.slots(["bb" * 16, None, "cc" * 16, "aa" * 16]).tolist() == [1, -1, -1, 0]
    np.testing.assert_array_equal(again.values(), [[1, 1], [3, 3]])
    with pytest.raises(StoreError, match="holds rows of"):
        RowCache(tmp_path, (3,), "<f4")
