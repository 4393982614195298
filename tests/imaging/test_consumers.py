"""One suite for all that look at images: they see the same picture, whatever file it is in.

Each consumer returns values in 0 to 255 that show what it saw, or `None` where it refused the file.
"""

import base64
import io
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mep3m.alignment.from_store import picture_statistics
from mep3m.errors import FormatError
from mep3m.imaging.decode import Pixels
from mep3m.imaging.examine import examine
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import Prediction
from mep3m.models.inputs.pixels import Decoding, PixelReader
from mep3m.product import Product, to_table
from mep3m.report.ocr_examples import _thumb
from mep3m.representations.encode import encode
from mep3m.representations.records import Encoder
from mep3m.representations.weights import open_encoders
from mep3m.settings.base import MAX_PIXELS
from mep3m.settings.ocr import OcrSettings, PoolSettings
from mep3m.settings.quality import QualitySettings
from mep3m.settings.sources import ImageLimits
from mep3m.stages.dedupe.pictures import perceptual_hash
from mep3m.stages.dedupe.registered import open_picture
from mep3m.stages.ocr.lines import TextLine
from mep3m.stages.ocr.pool import Failure
from mep3m.stages.ocr.read import ImageFile, _Reader
from mep3m.stages.quality.pictures import measure_image
from mep3m.statistics import pictures
from mep3m.store.images import ContentImages, FolderImages
from tests.representations.small import tiny_network
from tests.service.clients import serving

Seen = NDArray[Any] | None
SIDE = 16


def file(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@cache
def picture() -> Image.Image:
    """64 x 40: a white corner, and three others that no turning maps onto each other."""
    image = Image.new("RGB", (64, 40), "white")
    image.paste((200, 40, 30), (32, 0, 64, 20))
    image.paste((20, 40, 160), (0, 20, 32, 40))
    image.paste((30, 140, 60), (32, 20, 64, 40))
    return image


def turned() -> bytes:
    tags = Image.Exif()
    tags[0x0112] = 6  # to be turned clockwise by a quarter
    return file(picture().transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95, exif=tags)


def damaged_exif() -> bytes:
    return file(picture(), "JPEG", quality=95, exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff\x01\x12")


def transparent() -> bytes:
    """The white corner is clear, with black below the transparency."""
    image = picture().convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 32, 20))
    return file(image, "PNG")


def palette() -> bytes:
    image = picture().quantize(8)
    corner = image.getpixel((0, 0))
    assert isinstance(corner, int)
    colours = list(image.getpalette() or [])
    colours[3 * corner : 3 * corner + 3] = [0, 0, 0]
    image.putpalette(colours)
    return file(image, "PNG", transparency=corner)


def sixteen() -> bytes:
    return file(Image.fromarray(np.asarray(picture().convert("L"), np.uint16) * 257), "PNG")


#: name -> a file, and the picture that everyone has to see in it
WHOLE: dict[str, tuple[Callable[[], bytes], Callable[[], Image.Image]]] = {
    "rotated by EXIF": (turned, picture),
    "damaged EXIF": (damaged_exif, picture),
    "RGBA": (transparent, picture),
    "palette with transparency": (palette, picture),
    "CMYK": (lambda: file(picture().convert("CMYK"), "JPEG", quality=95), picture),
    "16 bit": (sixteen, lambda: picture().convert("L").convert("RGB")),
    "grey with transparency": (
        lambda: file(picture().convert("LA"), "PNG"),
        lambda: picture().convert("L").convert("RGB"),
    ),
}
REFUSED: dict[str, Callable[[], bytes]] = {
    "truncated JPEG": lambda: file(Image.effect_noise((64, 64), 90), "JPEG")[:900],
    "truncated PNG": lambda: file(Image.effect_noise((64, 64), 90), "PNG")[:900],
    "too large": lambda: file(Image.new("1", (MAX_PIXELS // 5000 + 1, 5000)), "PNG"),
    "no image": lambda: b"no image",
    "empty": lambda: b"",
}


class Remembering:
    """An OCR backend that keeps what it is shown."""

    seen: list[Pixels]

    def read(self, images: Sequence[Pixels]) -> list[list[TextLine]]:
        self.seen = list(images)
        return [[] for _ in images]


def by_ocr(content: bytes, folder: Path) -> Seen:
    (folder / "f").write_bytes(content)
    reader = _Reader(OcrSettings(backend="none"), round(PoolSettings().max_megapixels * 1e6))
    reader._backend = backend = Remembering()  # type: ignore[assignment]
    backend.seen = []
    [result] = reader([ImageFile("f", folder / "f")])
    return None if isinstance(result, Failure) or not backend.seen else backend.seen[0]


def by_quality(content: bytes, folder: Path) -> Seen:
    facts = measure_image(content, QualitySettings().max_pixels)
    return None if facts.problem else np.array([facts.width, facts.height, facts.mean, facts.contrast])


def by_dedupe(content: bytes, folder: Path) -> Seen:
    """64 values, 16 for each bit that is set, so that a differing bit counts as a quarter of a grey value."""
    value = perceptual_hash(content)
    return None if value is None else np.array([16 * (value >> bit & 1) for bit in range(64)])


def by_examine(content: bytes, folder: Path) -> Seen:
    try:
        return np.array(examine(content, ImageLimits())[:2])
    except FormatError:
        return None


def rows(content: bytes, folder: Path) -> Any:
    (folder / "f").write_bytes(content)
    return to_table([Product("0", "s", "0", image_ref="f")])


def by_training(content: bytes, folder: Path) -> Seen:
    found = PixelReader(SIDE).find(rows(content, folder), FolderImages(folder))
    assert len(found.rejects) == (not found.present()[0])
    return found.values[0] if found.present()[0] else None


def by_training_without_cache(content: bytes, folder: Path) -> Seen:
    values, present = Decoding(rows(content, folder), FolderImages(folder), SIDE).take(np.array([0]))
    return values[0] if present[0] else None


def by_statistics(content: bytes, folder: Path) -> Seen:
    images = ContentImages(folder)
    tile = pictures.thumbnail(SimpleNamespace(images=images), images.put(content), SIDE)  # type: ignore[arg-type]
    return None if tile is None else np.asarray(tile)


def by_report(content: bytes, folder: Path) -> Seen:
    (folder / "f").write_bytes(content)
    inline = re.search(r"base64,([^\"']+)", _thumb(folder / "f"))
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(inline[1])))) if inline else None


def by_alignment(content: bytes, folder: Path) -> Seen:
    values = picture_statistics(content)
    return None if values is None else values * 255


def by_same_photo(content: bytes, folder: Path) -> Seen:
    opened = open_picture(content)
    return None if opened is None else opened.pixels


@cache
def small_encoder() -> tuple[Encoder, ...]:
    with TemporaryDirectory() as folder:
        return open_encoders("image", [str(tiny_network(Path(folder)))])


def by_embed(content: bytes, folder: Path) -> Seen:
    """The unit vector, so large that a cosine of .99 is about a difference of one."""
    made = encode(rows(content, folder), FolderImages(folder), "image", small_encoder())
    assert len(made.rejects) == (not made.told.all())
    return 10 * np.sqrt(made.vectors.shape[1]) * made.vectors[0] if made.told.all() else None


class Looking:
    """A classifier that keeps the pixels it is asked about."""

    tree = LabelTree.from_paths([("a",), ("b",)])
    reads = ("image",)
    pixels: NDArray[Any]

    def predict(self, products: Any, images: Any = None) -> Prediction:
        found = PixelReader(SIDE).find(products, images)
        self.pixels = found.values[0]
        shape = (products.num_rows, len(self.tree))
        return Prediction(np.full(shape, 0.5, np.float32), found.present(), [])


def by_service(content: bytes, folder: Path) -> Seen:
    classifier = Looking()
    run = SimpleNamespace(
        folder=folder, classifier=classifier, taxonomy=None, version="1", novelty=None, examples=None
    )
    with serving(run) as client:  # type: ignore[arg-type]
        answer = client.post("/assign-image", files={"image": ("f", content)})
    if answer.status_code == 422:
        return None
    assert answer.status_code == 200, answer.text
    return classifier.pixels


CONSUMERS: dict[str, Callable[[bytes, Path], Seen]] = {
    "ocr": by_ocr,
    "quality": by_quality,
    "dedupe": by_dedupe,
    "examine": by_examine,
    "training": by_training,
    "training without cache": by_training_without_cache,
    "statistics": by_statistics,
    "report": by_report,
    "alignment": by_alignment,
    "service": by_service,
    "same photo": by_same_photo,
    "embed": by_embed,
}
every_consumer = pytest.mark.parametrize("consumer", CONSUMERS.values(), ids=CONSUMERS)


@every_consumer
@pytest.mark.parametrize("name", WHOLE)
def test_all_see_the_picture_that_a_viewer_shows(
    name: str, consumer: Callable[[bytes, Path], Seen], tmp_path: Path
) -> None:
    content, shown = (make() for make in WHOLE[name])
    seen, expected = consumer(content, tmp_path), consumer(file(shown, "PNG"), tmp_path)
    assert seen is not None
    assert expected is not None
    assert seen.shape == expected.shape
    assert np.abs(seen.astype(float) - expected.astype(float)).mean() < 4


@every_consumer
@pytest.mark.parametrize("name", REFUSED)
def test_all_refuse_the_same(name: str, consumer: Callable[[bytes, Path], Seen], tmp_path: Path) -> None:
    assert consumer(REFUSED[name](), tmp_path) is None


@every_consumer
def test_one_pixel_is_an_image(consumer: Callable[[bytes, Path], Seen], tmp_path: Path) -> None:
    """It has no text and no perceptual hash; the others take it for what it is."""
    seen = consumer(file(Image.new("RGB", (1, 1), "red"), "PNG"), tmp_path)
    if consumer in (CONSUMERS["ocr"], CONSUMERS["dedupe"]):
        assert seen is None
    else:
        assert seen is not None
        assert np.isfinite(seen.astype(float)).all()


def test_there_is_one_decoder() -> None:
    root = Path(__file__).parents[2] / "src" / "mep3m"
    opening = [
        path.relative_to(root).parts[0]
        for path in root.rglob("*.py")
        if "Image.open" in path.read_text("utf-8")
    ]
    assert set(opening) == {"imaging"}
    assert "alpha_composite" not in "".join(
        path.read_text("utf-8")
        for path in root.rglob("*.py")
        if path.parent.name not in ("imaging", "simulator")
    )
