"""JSON lines of readings: one object an image, in order, and counts that agree with them."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mep3m.settings.ocr import OcrSettings, PoolSettings
from mep3m.stages.ocr.cache import ReadingCache
from mep3m.stages.ocr.folder import SUFFIXES, ReadingCounts, reading_row, write_readings
from mep3m.stages.ocr.lines import TextLine
from mep3m.stages.ocr.promotion import PROMOTIONAL
from mep3m.stages.ocr.read import ImageFile, Reading, finish, image_files
from mep3m.store.filesystem import hash_file
from tests.stages.ocr.pictures import encoded

BOX = ((0.0, 0.0), (9.0, 0.0), (9.0, 5.0), (0.0, 5.0))
TEXT = st.sampled_from(["纯棉毛巾", "全国包邮", "限时秒杀", "500ml"])
READING = st.builds(
    lambda name, texts, error: Reading(
        name,
        () if error else tuple(finish([TextLine(BOX, text, 0.99) for text in texts], OcrSettings())),
        error,
    ),
    st.text("ab", min_size=1, max_size=3), st.lists(TEXT, max_size=3), st.none() | st.just("broken"),
)  # fmt: skip


@given(st.lists(READING, max_size=6))
def test_counts_are_those_of_the_rows(readings: list[Reading]) -> None:
    counts = ReadingCounts()
    for reading in readings:
        counts.add(reading)
    rows = [reading_row(reading) for reading in readings]
    lines = [line for row in rows for line in row["lines"]]
    assert counts.images == len(rows)
    assert counts.with_text == sum(row["text"] is not None for row in rows)
    assert counts.failed == sum("error" in row for row in rows)
    assert (counts.lines, counts.promotional) == (
        len(lines), sum(line["promotional"] >= PROMOTIONAL for line in lines)
    )  # fmt: skip


def test_a_row_is_what_the_guide_says() -> None:
    (line,) = finish([TextLine(BOX, "ＡＢ 茶", 0.98765)], OcrSettings())
    row = reading_row(Reading("a/1.jpg", (line,)))
    assert list(row) == ["image", "text", "informative", "lines"]
    assert (row["image"], row["text"], row["informative"]) == ("a/1.jpg", "AB 茶", 1.0)
    assert row["lines"][0]["raw"] == "ＡＢ 茶"
    assert row["lines"][0]["confidence"] == 0.9877
    assert reading_row(Reading("b.jpg")) == {"image": "b.jpg", "text": None, "informative": None, "lines": []}
    assert reading_row(Reading("b.jpg", error="why"))["error"] == "why"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for number in range(5):
        path = tmp_path / "pictures" / f"{number % 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(Image.new("RGB", (40, 30), (number * 20, 0, 0))))
    (tmp_path / "pictures" / "broken.jpg").write_bytes(b"no image")
    (tmp_path / "pictures" / "notes.txt").write_text("no image, and not looked at")
    return tmp_path / "pictures"


SETTINGS = OcrSettings(backend="none"), PoolSettings(workers=1)


def test_what_is_known_is_not_read_again(pictures: Path, tmp_path: Path) -> None:
    cache = tmp_path / "kept.sqlite"
    with ReadingCache(cache, SETTINGS[0]) as kept:
        for path in pictures.rglob("*.png"):
            kept.put(hash_file(path), [TextLine(BOX, f"茶叶 {path.stem}", 0.99)])
    (pictures / "broken.jpg").unlink()
    counts = write_readings(image_files(pictures, SUFFIXES), tmp_path / "out.jsonl", cache, SETTINGS)
    rows = [orjson.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    assert [row["image"] for row in rows] == ["0/0.png", "0/2.png", "0/4.png", "1/1.png", "1/3.png"]
    assert [row["text"] for row in rows] == [f"茶叶 {n}" for n in (0, 2, 4, 1, 3)]
    assert (counts.images, counts.with_text, counts.failed) == (5, 5, 0)


def test_progress_adds_up_to_the_images_and_failures_stand_in_their_place(
    pictures: Path, tmp_path: Path
) -> None:
    moved: list[int] = []
    files = image_files(pictures, SUFFIXES)
    counts = write_readings(files, tmp_path / "out.jsonl", tmp_path / "kept.sqlite", SETTINGS, moved.append)
    rows = [orjson.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    assert sum(moved) == counts.images == len(rows) == 6
    assert [row["image"] for row in rows if "error" in row] == ["broken.jpg"]
    assert rows[-1]["error"].startswith("this is not an image of a known type")
    assert counts.failed == 1


def test_a_list_that_breaks_off_leaves_no_half_file(pictures: Path, tmp_path: Path) -> None:
    def files() -> Iterator[ImageFile]:
        yield from list(image_files(pictures, SUFFIXES))[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_readings(files(), tmp_path / "out.jsonl", tmp_path / "kept.sqlite", SETTINGS)
    assert not [path for path in tmp_path.iterdir() if path.name.endswith((".jsonl", ".tmp"))]
