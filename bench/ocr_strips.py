"""OCR: long strips, as product detail pages are: the share of drawn lines that is read, the character error.

Strips of known Chinese and English lines, tall (750 x 6,000 px) and wide (6,000 x 750 px), and pictures of
other proportions beside them. A line counts as read where its text is among the lines read, without spaces;
the character error is the edit distance of all text in reading order over its length.
"""

import argparse
import json
import resource
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rapidfuzz.distance import Levenshtein

from mep3m.imaging.decode import Pixels
from mep3m.settings.ocr import OcrSettings
from mep3m.simulator.lettering import font_folder
from mep3m.stages.ocr.backends import build
from mep3m.stages.ocr.lines import TextLine
from mep3m.stages.ocr.read import finish

SHAPES = (
    *((750, 750), (750, 1480), (750, 2200), (750, 3000), (750, 6000)),
    *((6000, 750), (300, 6000), (790, 20_000)),
)
#: heights of the letters in pixels: as most lines of such pages, and as their small print
SIZES = {"usual": (18, 20, 22, 24, 28, 36, 48), "small print": (12, 13, 14, 16, 18, 20)}
WORDS = (
    *(
        "纯棉",
        "毛巾",
        "加厚",
        "吸水",
        "不锈钢",
        "保温杯",
        "大容量",
        "便携",
        "蓝牙",
        "耳机",
        "充电器",
        "手机",
        "家用",
        "厨房",
    ),
    *(
        "收纳",
        "儿童",
        "雨伞",
        "运动",
        "透气",
        "夏季",
        "面料",
        "尺寸",
        "重量",
        "产地",
        "颜色",
        "品牌",
        "型号",
        "材质",
        "包装",
    ),
    *(
        "清单",
        "温馨",
        "提示",
        "安全",
        "环保",
        "健康",
        "质量",
        "保证",
        "售后",
        "服务",
        "客服",
        "COTTON",
        "STEEL",
        "SIZE",
    ),
    *("500ml", "1.8L", "220V", "50Hz", "100%", "12cm", "3kg"),
)
COLOURS = (
    ("white", "black"),
    ("#f4efe6", "#3a2a20"),
    ("#20304a", "white"),
    ("#c8102e", "#fff2cc"),
    ("#eeeeee", "#777777"),
)


def drawn(width: int, height: int, sizes: Sequence[int], seed: int) -> tuple[Image.Image, list[str]]:
    """Return a picture of this size and its lines from the top, in blocks of one colour each."""
    rng, image = Random(seed), Image.new("RGB", (width, height), "white")
    draw, truth = ImageDraw.Draw(image), []
    font_file = font_folder() / "NotoSansCJKsc-Regular.otf"
    top, columns = 0, max(1, width // 1500)
    while top < height - 80:
        back, ink = rng.choice(COLOURS)
        bottom = min(height, top + rng.randrange(160, 520))
        draw.rectangle((0, top, width, bottom), fill=back)
        y = top + 20
        while True:
            size = rng.choice(sizes)
            if y + size * 1.4 > bottom - 10:
                break
            for column in range(columns):
                font = ImageFont.truetype(font_file, size)
                left, right = column * width // columns, (column + 1) * width // columns
                text = ""
                while True:
                    more = text + rng.choice(WORDS)
                    if len(more) > 26 or font.getlength(more) > right - left - 60:
                        break
                    text = more
                    if len(text) > 4 and rng.random() < 0.25:
                        break
                if text:
                    draw.text((left + rng.randrange(20, 40), y), text, ink, font=font)
                    truth.append(text)
            y += round(size * rng.choice((1.6, 2.0, 2.6)))
        top = bottom + rng.choice((0, 0, 60, 240))  # a photograph would stand there
    return image, truth


def figures(truth: list[str], lines: list[TextLine]) -> tuple[float, float]:
    """Return the share of lines that are read, and the character error."""
    left = [line.text.replace(" ", "") for line in lines]
    read, hits = list(left), 0
    for text in truth:
        if text in left:
            left.remove(text)
            hits += 1
    whole = "".join(truth)
    return hits / len(truth), Levenshtein.distance(whole, "".join(read)) / len(whole)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=3, help="of each shape")
    parser.add_argument("--backend", default="rapidocr")
    parser.add_argument("--engine", default="openvino")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    settings = OcrSettings(backend=options.backend, engine=options.engine)
    reader, rows = build(settings), []
    print("| width | height | text | lines | lines read | character error | CPU ms a picture |")
    print("|---|---|---|---|---|---|---|")
    for (width, height), text in product(SHAPES, SIZES):
        found, spent, count = [], 0.0, 0
        for seed in range(options.pictures):
            image, truth = drawn(width, height, SIZES[text], seed)
            pixels: Pixels = np.asarray(image)
            start = time.process_time()
            [lines] = reader.read([pixels])
            spent += time.process_time() - start
            found.append(figures(truth, finish(lines, settings)))
            count += len(truth)
        recall, error = (float(np.mean(column)) for column in zip(*found, strict=True))
        cost = 1000 * spent / options.pictures
        rows.append({"width": width, "height": height, "text": text, "lines": count})
        rows[-1] |= {"recall": recall, "error": error, "cpu_ms": cost}
        shown = f"| {width:,} | {height:,} | {text} | {count} | {recall:.3f} | {error:.3f} | {cost:.0f} |"
        print(shown, flush=True)
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
