"""One suite for every OCR backend. EasyOCR's weights come with a download: see test_easy.py."""

import numpy as np
import pytest
from PIL import Image

from mep3m.errors import UsageError
from mep3m.settings.ocr import OcrSettings
from mep3m.stages.ocr.backends import BACKENDS, Backend, build
from mep3m.stages.ocr.lines import TextLine
from tests.stages.ocr.pictures import CHINESE, CHINESE_LINES, drawn, pixels

READING = {
    "rapidocr": OcrSettings(),
    "rapidocr-onnxruntime": OcrSettings(engine="onnxruntime"),
    "rapidocr-upright": OcrSettings(upright=True),
    "tesseract": OcrSettings(backend="tesseract"),
}


@pytest.fixture(
    scope="module", params=[*READING.values(), OcrSettings(backend="none")], ids=[*READING, "none"]
)
def backend(request: pytest.FixtureRequest) -> Backend:
    return build(request.param)


@pytest.fixture(scope="module", params=READING.values(), ids=READING)
def reader(request: pytest.FixtureRequest) -> Backend:
    return build(request.param)


def flat(lines: list[TextLine]) -> str:
    return "".join(line.text for line in lines).replace(" ", "")


def test_nothing_is_read_in_a_blank_image(backend: Backend) -> None:
    assert backend.read([np.full((120, 200, 3), 255, np.uint8)]) == [[]]


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


def test_every_name_is_a_setting() -> None:
    for name in BACKENDS:
        assert OcrSettings(backend=name).backend == name


def test_an_unknown_backend_names_those_there_are() -> None:
    with pytest.raises(UsageError, match="allowed: easyocr, none, rapidocr, tesseract"):
        build(OcrSettings.model_construct(backend="rapid"))
