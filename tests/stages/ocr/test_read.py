from pathlib import Path

import orjson
import pytest
from PIL import Image

from mep3m.settings.ocr import OcrSettings, PoolSettings
from mep3m.stages.ocr.cache import ReadingCache
from mep3m.stages.ocr.folder import SUFFIXES, ReadingCounts, write_readings
from mep3m.stages.ocr.lines import TextLine
from mep3m.stages.ocr.read import ImageFile, ImageReader, image_files
from tests.stages.ocr.pictures import drawn, encoded

SETTINGS = OcrSettings()
POOL = PoolSettings(workers=1, group=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "images"
    (root / "sub").mkdir(parents=True)
    (root / "b.png").write_bytes(encoded(drawn("COTTON")))
    (root / "a.png").write_bytes(encoded(drawn("COTTON")))
    (root / "sub" / "c.jpg").write_bytes(encoded(drawn("STEEL 500ML", size=(400, 200)), "JPEG"))
    (root / "sub" / "blank.png").write_bytes(encoded(Image.new("RGB", (100, 100), "white")))
    (root / "sub" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    (root / "dot.png").write_bytes(encoded(Image.new("RGB", (1, 1))))
    (root / "notes.txt").write_text("no image")
    return root


def write(
    folder: Path, out: Path, pool: PoolSettings = POOL, settings: OcrSettings = SETTINGS
) -> ReadingCounts:
    files = list(image_files(folder, SUFFIXES))
    return write_readings(files, out, out.with_suffix(".sqlite"), (settings, pool))


def test_files_are_sorted_by_path_and_what_systems_left_is_none(folder: Path) -> None:
    (folder / "link.png").symlink_to(folder / "a.png")
    for hidden in (".git", ".thumbnails", "__MACOSX", "@eaDir", "sub/.cache"):
        (folder / hidden).mkdir()
        (folder / hidden / "x.png").write_bytes(b"no image of a person's")
    (folder / "sub" / "._c.jpg").write_bytes(b"no image")
    names = [file.name for file in image_files(folder, SUFFIXES)]
    assert names == ["a.png", "b.png", "dot.png", "link.png", "sub/blank.png", "sub/broken.png", "sub/c.jpg"]


def test_one_object_an_image_in_order(folder: Path, tmp_path: Path) -> None:
    counts = write(folder, tmp_path / "lines.jsonl")
    rows = [orjson.loads(line) for line in (tmp_path / "lines.jsonl").read_bytes().splitlines()]
    assert [row["image"] for row in rows] == [file.name for file in image_files(folder, SUFFIXES)]
    texts = {row["image"]: row["text"] for row in rows}
    assert texts["a.png"] == texts["b.png"] == "COTTON"
    assert texts["sub/c.jpg"].replace(" ", "") == "STEEL500ML"
    assert texts["sub/blank.png"] is None
    assert texts["dot.png"] is None
    assert "error" not in rows[0]
    assert "broken" in rows[4]["error"] or "not an image" in rows[4]["error"]
    assert (counts.images, counts.with_text, counts.failed) == (6, 3, 1)


def test_the_same_bytes_for_any_number_of_workers_and_any_group(folder: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    write(folder, one)
    write(folder, two, PoolSettings(workers=2, group=5))
    assert one.read_bytes() == two.read_bytes()


def test_an_image_seen_twice_is_read_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mep3m.stages.ocr.read.load", None)  # the parent must not load anything
    with ReadingCache(tmp_path / "kept.sqlite", SETTINGS) as cache:
        with ImageReader(SETTINGS, POOL, cache) as reader:
            groups = []
            original = reader._pool.map
            reader._pool.map = lambda given: original(groups.append(list(g)) or groups[-1] for g in given)
            list(reader.read(image_files(folder, SUFFIXES)))
            assert sum(len(group) for group in groups) == 5  # a and b are the same bytes
            groups.clear()
            again = list(reader.read(image_files(folder, SUFFIXES)))
        assert [file.name for group in groups for file in group] == ["sub/broken.png"]  # failures are retried
        assert len(again) == 6


def test_a_missing_file_is_an_error_of_its_own(tmp_path: Path) -> None:
    with (
        ReadingCache(tmp_path / "kept.sqlite", SETTINGS) as cache,
        ImageReader(SETTINGS, POOL, cache) as reader,
    ):
        [reading] = reader.read([ImageFile("gone.png", tmp_path / "gone.png")])
    assert reading.error == "the image file cannot be opened"


def test_cleaning_is_not_part_of_what_was_read_but_the_detector_is(tmp_path: Path) -> None:
    line = TextLine(((0, 0), (9, 0), (9, 9), (0, 9)), "華", 0.9)
    with ReadingCache(tmp_path / "kept.sqlite", SETTINGS) as cache:
        cache.put("aa", [line])
    for change, found in [({"clean": "none"}, [line]), ({"detector_side": 320}, None)]:
        with ReadingCache(tmp_path / "kept.sqlite", OcrSettings(**change)) as cache:
            assert cache.get("aa") == found
