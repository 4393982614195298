import io

import imagehash
import numpy as np
from PIL import Image

from mep3m.simulator import Simulation
from mep3m.stages.dedupe.pictures import distance, perceptual_hashes, thumbnail


def saved(image: Image.Image, kind: str = "PNG", **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def look(content: bytes) -> np.ndarray:
    pixels = thumbnail(content)
    assert pixels is not None
    return perceptual_hashes(pixels[None])


def pictures(shops: Simulation) -> list[Image.Image]:
    found = []
    for path in sorted(shops.images(shops.platforms[1]).rglob("*.jpg"))[:40]:
        pixels = thumbnail(path.read_bytes())
        if pixels is not None:
            found.append(Image.open(path))
    return found


def test_it_is_imagehash_s_hash(shops: Simulation) -> None:
    differing = []
    for image in pictures(shops):
        theirs = imagehash.phash(image.convert("L")).hash
        ours = np.unpackbits(look(saved(image)).astype(">u8").view(np.uint8)).reshape(8, 8).astype(bool)
        differing.append(int((theirs != ours).sum()))
    assert np.mean(differing) < 1.5  # they reduce large images in one step, we in two


def test_a_copy_looks_the_same_and_another_picture_does_not(shops: Simulation) -> None:
    images = pictures(shops)
    large = [image for image in images if image.width > 100]
    for image in large:
        smaller = image.resize((image.width * 3 // 4, image.height * 3 // 4))
        assert distance(look(saved(image)), look(saved(smaller, "JPEG", quality=60)))[0] <= 6
    hashes = np.concatenate([look(saved(image)) for image in images])
    apart = [distance(hashes[i : i + 1], hashes[j : j + 1])[0] for i in range(20) for j in range(i)]
    assert np.median(apart) > 14


def test_what_has_no_look() -> None:
    assert thumbnail(b"not an image") is None
    assert thumbnail(saved(Image.new("RGB", (50, 50), "white"))) is None
    assert thumbnail(saved(Image.new("RGBA", (50, 50), (0, 0, 0, 0)))) is None
