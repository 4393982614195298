"""What a worker does with a group of files, and what it says about those that fail."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mep3m.errors import MissingExtraError, StoreError
from mep3m.imaging.decode import Pixels
from mep3m.settings.ocr import OcrSettings
from mep3m.stages.ocr import read, tesseract
from mep3m.stages.ocr.backends import build
from mep3m.stages.ocr.cache import ReadingCache, reader_fingerprint
from mep3m.stages.ocr.lines import TextLine
from mep3m.stages.ocr.pool import Failure
from mep3m.stages.ocr.read import ImageFile, _Reader, finish
from tests.stages.ocr.pictures import encoded

BOX = ((0.0, 0.0), (50.0, 0.0), (50.0, 20.0), (0.0, 20.0))


class Fussy:
    """A backend that reads the width of an image, and cannot stand images 13 pixels wide."""

    def __init__(self, settings: OcrSettings) -> None:
        self.calls: list[int] = []

    def read(self, images: Sequence[Pixels]) -> list[list[TextLine]]:
        self.calls.append(len(images))
        if any(image.shape[1] == 13 for image in images):
            raise ValueError("thirteen")
        return [[TextLine(BOX, str(image.shape[1]), 0.9)] for image in images]


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> _Reader:
    monkeypatch.setattr(read, "build", Fussy)
    return _Reader(OcrSettings(), 1_000_000)


def files(folder: Path, *widths: int) -> list[ImageFile]:
    made = []
    for width in widths:
        path = folder / f"{width}.png"
        path.write_bytes(encoded(Image.new("RGB", (width, 20), "white")))
        made.append(ImageFile(path.name, path))
    return made


def test_a_group_is_read_together(reader: _Reader, tmp_path: Path) -> None:
    results = reader(files(tmp_path, 20, 30))
    assert [[line.text for line in result] for result in results if isinstance(result, list)] == [
        ["20"],
        ["30"],
    ]


def test_only_the_image_at_fault_fails(reader: _Reader, tmp_path: Path) -> None:
    good, bad, other = reader(files(tmp_path, 20, 13, 30))
    assert bad == Failure("the reader failed: ValueError: thirteen")
    assert isinstance(good, list)
    assert isinstance(other, list)


def test_images_too_small_for_text_are_not_given_to_the_backend(reader: _Reader, tmp_path: Path) -> None:
    assert reader(files(tmp_path, 5)) == [[]]


def test_what_cannot_be_decoded_is_a_failure_beside_the_others(reader: _Reader, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"<html>")
    broken = ImageFile("bad.png", tmp_path / "bad.png")
    gone = ImageFile("gone.png", tmp_path / "gone.png")
    huge = files(tmp_path, 60_000)
    results = reader([broken, *files(tmp_path, 20), gone, *huge])
    reasons = [result.reason if isinstance(result, Failure) else None for result in results]
    assert reasons[1] is None
    assert "not an image" in str(reasons[0])
    assert "No such file" in str(reasons[2])
    assert "at most 1,000,000 are allowed" in str(reasons[3])


def test_finish_drops_doubtful_lines_orders_cleans_and_scores() -> None:
    low = ((0.0, 50.0), (50.0, 50.0), (50.0, 70.0), (0.0, 70.0))
    lines = [TextLine(low, "全国包邮", 0.9), TextLine(BOX, "純棉毛巾", 0.8), TextLine(BOX, "x", 0.3)]
    done = finish(lines, OcrSettings())
    assert [line.text for line in done] == ["棉毛巾", "全国包邮"]
    assert done[0].raw == "純棉毛巾"
    assert [(line.promotional or 0) >= 0.5 for line in done] == [False, True]
    every = OcrSettings(min_confidence=0, single_confidence=0, clean="none")
    assert len(finish(lines, every)) == 3


@pytest.mark.parametrize(
    ("text", "confidence", "kept"),
    [
        ("日", 0.94, False),  # what a reader sees in a drawn window
        ("元", 0.95, True),
        ("A", 0.6, False),
        ("4", 0.83, False),
        ("口.", 0.88, False),  # a sign beside it makes it no word
        ("¥ 9", 0.9, False),
        ("(送)", 0.99, True),
        ("茶叶", 0.6, True),
        ("5G", 0.5, True),
        ("華茶", 0.9, False),  # one character is left after cleaning
        ("華茶", 0.97, True),
    ],
)
def test_a_single_character_must_be_read_surely(text: str, confidence: float, kept: bool) -> None:
    line = TextLine(BOX, text, confidence)
    assert bool(finish([line], OcrSettings())) == kept
    assert finish([line], OcrSettings(single_confidence=0))


def test_a_single_character_is_judged_alone_and_among_other_lines() -> None:
    lines = [TextLine(BOX, "纯棉毛巾", 0.9), TextLine(BOX, "白", 0.7), TextLine(BOX, "起", 1.0)]
    assert sorted(line.text for line in finish(lines, OcrSettings())) == ["纯棉毛巾", "起"]


@given(
    texts=st.lists(
        st.tuples(st.text(st.sampled_from("茶a1 .¥元華"), max_size=4), st.floats(0, 1)), max_size=6
    ),
    low=st.floats(0, 1),
    high=st.floats(0, 1),
)
def test_a_stricter_reader_keeps_a_part_of_what_a_laxer_one_keeps(
    texts: list[tuple[str, float]], low: float, high: float
) -> None:
    lines = [TextLine(BOX, text, sure) for text, sure in texts]
    low, high = sorted((low, high))
    for name in ("single_confidence", "min_confidence"):
        lax, strict = (finish(lines, OcrSettings.parse({name: value}, "x")) for value in (low, high))
        assert Counter(line.text for line in strict) <= Counter(line.text for line in lax)


def test_a_cache_that_is_none_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "kept.sqlite").write_bytes(b"this is no database, " * 100)
    with pytest.raises(StoreError, match=r"not a cache of readings .* delete it"):
        ReadingCache(tmp_path / "kept.sqlite", OcrSettings())


def test_two_readers_share_a_cache_without_mixing(tmp_path: Path) -> None:
    with (
        ReadingCache(tmp_path / "kept.sqlite", OcrSettings()) as one,
        ReadingCache(tmp_path / "kept.sqlite", OcrSettings(backend="tesseract")) as two,
    ):
        one.put("aa", [TextLine(BOX, "one", 0.9)])
        two.put("aa", [])
        assert [line.text for line in one.get("aa") or []] == ["one"]
        assert two.get("aa") == []
        assert one.get("bb") is None


def test_the_fingerprint_names_the_reader_not_the_cleaning() -> None:
    default = reader_fingerprint(OcrSettings())
    after = OcrSettings(clean="none", min_confidence=0.1, single_confidence=0.2)
    assert default == reader_fingerprint(after)
    others = [OcrSettings(engine="onnxruntime"), OcrSettings(upright=True), OcrSettings(backend="tesseract")]
    assert len({default, *map(reader_fingerprint, others)}) == 4


def test_tesseract_that_is_missing_is_an_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tesseract.shutil, "which", lambda name: None)
    with pytest.raises(MissingExtraError, match="apt-get install tesseract-ocr"):
        build(OcrSettings(backend="tesseract"))


def test_tesseract_without_chinese_is_an_install_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "tesseract"
    program.write_text("#!/bin/sh\necho eng\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(MissingExtraError, match="tesseract-ocr-chi-sim"):
        build(OcrSettings(backend="tesseract"))
