import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import rapidocr
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from mep3m.errors import MissingExtraError
from mep3m.settings.ocr import OcrSettings
from mep3m.simulator.lettering import font_folder
from mep3m.stages.ocr import rapid
from mep3m.stages.ocr.backends import Backend, build
from mep3m.stages.ocr.detector import STRIP_SQUARES
from mep3m.stages.ocr.rapid import detector_size
from tests.stages.ocr.pictures import drawn, pixels

CHINESE_FONT = ImageFont.truetype(font_folder() / "NotoSansCJKsc-Regular.otf", 36)
SETTINGS = OcrSettings(detector_side=608, detector_min_side=352)


@pytest.mark.parametrize(
    ("shape", "size"), [((220, 220), (352, 352)), ((400, 300), (384, 288)), ((800, 400), (608, 320))]
)
def test_small_images_are_enlarged_and_large_ones_shrunk(
    shape: tuple[int, int], size: tuple[int, int]
) -> None:
    assert detector_size(*shape, SETTINGS) == size


@given(st.integers(8, 20_000), st.integers(8, 20_000))
def test_the_detector_s_input_is_bounded(height: int, width: int) -> None:
    size = detector_size(height, width, SETTINGS)
    assert all(side % 32 == 0 and side >= 32 for side in size)
    assert size[0] * size[1] <= 1.2 * STRIP_SQUARES * 608**2
    if max(height, width) <= 2 * min(height, width):
        assert max(size) <= 608
        assert max(size) == round(min(max(height, width, 352), 608) / 32) * 32


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((6000, 750), (4864, 608)),
        ((750, 6000), (608, 4864)),
        ((6000, 100), (6000 // 32 * 32, 96)),
        ((53_000, 750), (14_496, 192)),
        ((320, 37), (352, 32)),
    ],
)
def test_of_a_strip_the_shorter_side_counts(shape: tuple[int, int], size: tuple[int, int]) -> None:
    assert np.abs(np.subtract(detector_size(*shape, SETTINGS), size)).max() <= 64


def test_lines_on_their_head_are_read_when_asked() -> None:
    image = np.ascontiguousarray(pixels(drawn("WATERPROOF", size=(320, 120)))[::-1, ::-1])
    [lines] = build(OcrSettings(upright=True)).read([image])
    assert "WATERPROOF" in "".join(line.text for line in lines)
    [plain] = build(OcrSettings()).read([image])
    assert "WATERPROOF" not in "".join(line.text for line in plain)


@pytest.fixture(scope="module")
def reader() -> Backend:
    return build(OcrSettings())


@pytest.mark.parametrize("quarter", [1, -1], ids=["upwards", "downwards"])
@pytest.mark.parametrize("text", ["WATERPROOF", "Size 38-42", "满100减50", "纯棉毛巾", "NO 1968"])
def test_a_line_turned_by_a_quarter_is_read(reader: Backend, text: str, quarter: int) -> None:
    image = Image.new("RGB", (320, 80), "white")
    ImageDraw.Draw(image).text((16, 16), text, "black", font=CHINESE_FONT)
    [lines] = reader.read([np.ascontiguousarray(np.rot90(pixels(image), quarter))])
    assert "".join(line.text for line in lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("text", ["全棉面料", "新品上市", "官方正品"])
def test_vertical_chinese_is_read(reader: Backend, text: str) -> None:
    image = Image.new("RGB", (140, 220), "white")
    for row, character in enumerate(text):
        ImageDraw.Draw(image).text((50, 15 + row * 44), character, "black", font=CHINESE_FONT)
    [lines] = reader.read([pixels(image)])
    assert [line.text for line in lines] == [text]


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core: nothing to be bound to")
def test_openvino_binds_no_thread_to_a_core() -> None:
    """All workers were on the first core: two of them were no faster than one."""
    network = rapid.open_network(rapid._model(Path(rapidocr.__file__).parent, "det"), "openvino")
    tensor, seen, done = np.zeros((1, 3, 608, 608), np.float32), set(), threading.Event()

    def watch() -> None:
        while not done.is_set():
            for task in Path("/proc/self/task").iterdir():
                with suppress(OSError):
                    seen.add(frozenset(os.sched_getaffinity(int(task.name))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(20):
        network(tensor)
    done.set()
    watcher.join()
    assert seen == {frozenset(os.sched_getaffinity(0))}


def test_openvino_loads_no_telemetry() -> None:
    code = """
import sys
from mep3m.settings.ocr import OcrSettings
from mep3m.stages.ocr.backends import Backend, build
build(OcrSettings())
print([m for m, loaded in sys.modules.items() if m.startswith("openvino_telemetry") and loaded])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": "src"}
    )
    assert done.stdout.strip() == "[]"


def test_a_wheel_without_networks_says_how_to_get_them(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = type(sys)("rapidocr")
    fake.__file__ = f"{tmp_path}/__init__.py"
    monkeypatch.setattr(rapid, "require", lambda module, extra: fake)
    with pytest.raises(MissingExtraError, match=r"no 'det' network in .*pip install"):
        build(OcrSettings())
