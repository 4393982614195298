import io

import imagehash
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mep3m.simulator import Simulation
from mep3m.stages.dedupe.pictures import distance, perceptual_hash


def saved(image: Image.Image, kind: str = "PNG", **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def hashed(content: bytes) -> NDArray[np.uint64]:
    value = perceptual_hash(content)
    assert value is not None
    return np.array([value], np.uint64)


def pictures(shops: Simulation) -> list[Image.Image]:
    paths = sorted(shops.images(shops.platforms[1]).rglob("*.jpg"))[:40]
    return [Image.open(path) for path in paths if perceptual_hash(path.read_bytes()) is not None]


def test_it_is_imagehash_s_hash(shops: Simulation) -> None:
    differing = []
    for image in pictures(shops):
        whole = np.uint64(int(str(imagehash.phash(image.convert("L"))), 16))
        differing.append(int(np.bitwise_count(hashed(saved(image))[0] ^ whole)))
    assert np.mean(differing) < 1.5  # it reduces large images in one step, we in two


def test_a_copy_has_a_near_hash_and_another_picture_has_not(shops: Simulation) -> None:
    images = pictures(shops)
    large = [image for image in images if image.width > 100]
    for image in large:
        smaller = image.resize((image.width * 3 // 4, image.height * 3 // 4))
        assert distance(hashed(saved(image)), hashed(saved(smaller, "JPEG", quality=60)))[0] <= 6
    hashes = np.concatenate([hashed(saved(image)) for image in images])
    apart = [distance(hashes[i : i + 1], hashes[j : j + 1])[0] for i in range(20) for j in range(i)]
    assert np.median(apart) > 14


def test_what_has_no_hash() -> None:
    assert perceptual_hash(b"not an image") is None
    assert perceptual_hash(saved(Image.new("RGB", (50, 50), "white"))) is None
    assert perceptual_hash(saved(Image.new("RGBA", (50, 50), (0, 0, 0, 0)))) is None


@pytest.mark.parametrize("scale", [0.5, 0.7, 1.3, 2.5])
def test_copies_of_other_sizes_are_as_near_as_those_of_one_size(scale: float) -> None:
    """Decoded to little more than what the hash reduces to, a JPEG has another hash at each size."""
    far = []
    for seed in range(12):
        small = np.random.default_rng(seed).integers(0, 255, (9, 9), np.uint8)
        image = Image.fromarray(small).resize((224, 224), Image.Resampling.BICUBIC)
        side = round(224 * scale)
        copy = image.resize((side, side), Image.Resampling.BICUBIC)
        far.append(distance(hashed(saved(image, "JPEG")), hashed(saved(copy, "JPEG", quality=85)))[0])
    assert np.mean(far) < 0.2
