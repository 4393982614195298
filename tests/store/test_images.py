"""Images by content: stored once, written again where they are damaged, named where they are missing."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.errors import NotFoundError
from mep3m.store import ContentImages, FolderImages, GivenImages
from mep3m.store.images import read_image


@given(contents=st.lists(st.binary(max_size=40), max_size=8))
def test_the_same_bytes_are_one_file_under_their_hash(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]
) -> None:
    images = ContentImages(tmp_path_factory.mktemp("images"))
    keys = [images.put(content) for content in contents]
    assert keys == [hashlib.sha256(content).hexdigest() for content in contents]
    assert [images.read(key) for key in keys] == contents
    files = [path for path in images.root.rglob("*") if path.is_file()]
    assert {path.name for path in files} == set(keys)
    assert all(path.parent.name == path.name[:3] for path in files)


@pytest.mark.parametrize("damage", [b"", b"cut", b"much longer than what was there"])
def test_a_file_that_a_power_cut_damaged_is_written_again(tmp_path: Path, damage: bytes) -> None:
    images = ContentImages(tmp_path)
    key = images.put(b"the picture")
    images.file(key).write_bytes(damage)
    assert images.put(b"the picture") == key
    assert images.read(key) == b"the picture"


def test_a_whole_file_is_not_written_again(tmp_path: Path) -> None:
    images = ContentImages(tmp_path)
    file = images.file(images.put(b"the picture"))
    before = file.stat().st_ino
    images.put(b"the picture")
    assert file.stat().st_ino == before


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=f"no image {'0' * 64} under"):
        ContentImages(tmp_path).read("0" * 64)


@pytest.mark.parametrize("row", [{"image": None, "image_ref": None}, {"image": "", "image_ref": ""}])
def test_a_row_without_an_image_has_no_file(tmp_path: Path, row: dict[str, str | None]) -> None:
    assert ContentImages(tmp_path).locate(row) is None
    assert FolderImages(tmp_path).locate(row) is None
    assert GivenImages({"": b"x"}).locate(row) is None


def test_a_row_finds_its_file_in_either_kind(tmp_path: Path) -> None:
    row = {"image": "ab" * 32, "image_ref": "手机\\1.jpg"}
    assert ContentImages(tmp_path).locate(row) == tmp_path / "aba" / ("ab" * 32)
    assert FolderImages(tmp_path).locate(row) == tmp_path / "手机" / "1.jpg"


def test_what_is_in_memory_is_read_like_a_file(tmp_path: Path) -> None:
    images = GivenImages({"upload": b"the picture"})
    source = images.locate({"image": None, "image_ref": "upload"})
    (tmp_path / "f").write_bytes(b"the picture")
    assert source is not None
    assert read_image(source) == read_image(tmp_path / "f") == b"the picture"
    assert images.locate({"image": None, "image_ref": "other"}) is None
