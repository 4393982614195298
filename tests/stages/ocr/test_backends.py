"""One suite for every OCR backend there is, with the settings in `OTHERS` beside the default ones.

EasyOCR's weights come with a download; those of test_easy.py are random, so it reads no words here.
"""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from mep3m.errors import MissingExtraError, SettingsError, UsageError
from mep3m.settings.ocr import BACKENDS, OcrSettings
from mep3m.stages.ocr.backends import Backend, backend_class, build, content_of, versions
from mep3m.stages.ocr.cache import reader_fingerprint
from mep3m.stages.ocr.lines import TextLine
from tests.stages.ocr.pictures import CHINESE, CHINESE_LINES, drawn, pixels

OTHERS = {
    "rapidocr-onnxruntime": OcrSettings(engine="onnxruntime"),
    "rapidocr-upright": OcrSettings(upright=True),
}
EVERY = {name: OcrSettings(backend=name) for name in BACKENDS} | OTHERS
#: what reads nothing, or has no weights to read with
SILENT = ("none", "easyocr")


def made(name: str, request: pytest.FixtureRequest) -> Backend:
    settings = EVERY[name]
    if name == "easyocr":
        settings = settings.model_copy(update={"weights": request.getfixturevalue("weights")})
    return build(settings)


@pytest.fixture(scope="module", params=EVERY)
def backend(request: pytest.FixtureRequest) -> Backend:
    return made(request.param, request)


@pytest.fixture(scope="module", params=[name for name in EVERY if name not in SILENT])
def reader(request: pytest.FixtureRequest) -> Backend:
    return made(request.param, request)


def flat(lines: list[TextLine]) -> str:
    return "".join(line.text for line in lines).replace(" ", "")


def test_nothing_is_read_in_a_blank_image(reader: Backend) -> None:
    assert reader.read([np.full((120, 200, 3), 255, np.uint8)]) == [[]]


@pytest.mark.parametrize("settings", EVERY.values(), ids=EVERY)
def test_the_version_is_the_same_each_time_and_needs_no_loading(settings: OcrSettings) -> None:
    version = backend_class(settings.backend).version(settings)
    assert version == backend_class(settings.backend).version(settings)
    assert bool(version) == (settings.backend != "none")


@pytest.mark.parametrize("name", [name for name in BACKENDS if name != "none"])
def test_another_version_is_another_reader(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = OcrSettings(backend=name)
    before = reader_fingerprint(settings)
    assert reader_fingerprint(settings) == before
    monkeypatch.setattr(backend_class(name), "version", classmethod(lambda cls, settings: "another"))
    assert reader_fingerprint(settings) != before


def test_packages_and_files_are_told_by_version_and_content(tmp_path: Path) -> None:
    assert versions("numpy") == f"numpy {np.__version__}"
    with pytest.raises(MissingExtraError, match="no-such-package is not installed"):
        versions("no-such-package")
    network = tmp_path / "network"
    network.write_bytes(b"one")
    first = content_of([network])
    assert first.startswith("network ")
    assert content_of([network]) == first
    network.write_bytes(b"other")
    assert content_of([network]) != first


def test_no_images_no_readings(backend: Backend) -> None:
    assert backend.read([]) == []


@pytest.mark.parametrize("shape", [(8, 8, 3), (8, 900, 3), (900, 8, 3), (33, 47, 3)])
def test_odd_shapes_do_not_fail(backend: Backend, shape: tuple[int, int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    assert len(backend.read([noise])) == 1


def test_english_is_read_where_it_stands(reader: Backend) -> None:
    [lines] = reader.read([pixels(drawn("HELLO 2024", size=(320, 200)))])
    assert flat(lines) == "HELLO2024"
    left, top, right, bottom = lines[0].box
    assert 0 <= left < 40
    assert 0 <= top < 40
    assert 120 < right <= 320
    assert 30 < bottom < 90
    assert 0.5 < lines[0].confidence <= 1


@pytest.mark.parametrize("size", [(750, 6000), (6000, 750), (300, 4000)], ids=["tall", "wide", "narrow"])
def test_strips_are_read_to_their_end(reader: Backend, size: tuple[int, int]) -> None:
    words = [f"{word} {number}" for number in (38, 47, 56) for word in ("COTTON", "STEEL", "SIZE", "SUMMER")]
    image, step = Image.new("RGB", size, "white"), max(size) // 12
    for place, word in enumerate(words):
        corner = (20 + (size[0] == 6000) * place * step, 60 + (size[0] < 6000) * place * step)
        ImageDraw.Draw(image).text(corner, word, "black", font=ImageFont.load_default(24))
    [lines] = reader.read([pixels(image)])
    assert sorted(line.text.replace(" ", "") for line in lines) == sorted(w.replace(" ", "") for w in words)


def test_chinese_is_read(reader: Backend) -> None:
    [lines] = reader.read([pixels(Image.open(CHINESE))])
    assert sum(line in flat(lines) for line in CHINESE_LINES) >= 1


def test_a_reading_does_not_depend_on_its_neighbours(reader: Backend) -> None:
    images = [pixels(drawn(word, size=size)) for word, size in [("COTTON", (320, 160)), ("X1", (220, 220))]]
    alone = [reader.read([image])[0] for image in images]
    together = reader.read(images)
    assert [[line.text for line in lines] for lines in together] == [
        [line.text for line in lines] for lines in alone
    ]


def test_the_image_is_not_changed(reader: Backend) -> None:
    image = pixels(drawn("STEEL")).copy()
    before = image.copy()
    reader.read([image])
    assert (image == before).all()


def test_a_name_that_is_added_to_the_table_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="backend = 'mine' is not allowed: no reader has this name"):
        OcrSettings.parse({"backend": "mine"}, "here")
    monkeypatch.setitem(BACKENDS, "mine", "mep3m.stages.ocr.backends:NoBackend")
    assert build(OcrSettings(backend="mine")).read([np.zeros((9, 9, 3), np.uint8)]) == [[]]


def test_a_name_that_is_nearly_one_is_told_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r"did you mean 'rapidocr'\? allowed: easyocr, none, rapidocr"):
        OcrSettings.parse({"backend": "rapidcr"}, "mep3m.toml")


def test_an_unknown_backend_names_those_there_are() -> None:
    with pytest.raises(UsageError, match="allowed: easyocr, none, rapidocr, tesseract"):
        build(OcrSettings.model_construct(backend="rapid"))
