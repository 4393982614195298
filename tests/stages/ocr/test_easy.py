"""EasyOCR with networks of the right shape and random weights: the real ones come with a download.

What is tested is everything but the quality: the folder of weights, the reading, the errors.
"""

from pathlib import Path

import numpy as np
import pytest

from mep3m.errors import NotFoundError
from mep3m.settings.ocr import OcrSettings
from mep3m.stages.ocr.backends import Backend, build
from mep3m.stages.ocr.lines import TextLine
from tests.stages.ocr.pictures import drawn, pixels

pytest.importorskip("easyocr", reason="easyocr is not installed")


@pytest.fixture(scope="module")
def reader(weights: Path) -> Backend:
    return build(OcrSettings(backend="easyocr", weights=weights, detector_side=160))


def test_lines_come_with_polygon_and_confidence(reader: Backend) -> None:
    [lines, again] = reader.read([pixels(drawn("COTTON", size=(128, 96)))] * 2)
    assert lines
    assert lines == again
    for line in lines:
        assert isinstance(line, TextLine)
        assert len(line.polygon) == 4
        assert 0 <= line.confidence <= 1


def test_odd_shapes_do_not_fail(reader: Backend) -> None:
    assert len(reader.read([np.zeros((8, 200, 3), np.uint8), np.zeros((64, 64, 3), np.uint8)])) == 2


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is not a folder"):
        build(OcrSettings(backend="easyocr", weights=tmp_path / "none"))


def test_a_folder_without_weights_names_the_files(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"craft_mlt_25k\.pth and zh_sim_g2\.pth"):
        build(OcrSettings(backend="easyocr", weights=tmp_path))
