"""Pictures as another shop would show them: cropped, framed, mirrored, with a mark or a strip across."""

from __future__ import annotations

import io
from collections.abc import Callable
from random import Random

from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

#: a typeface that comes with Debian's fonts-dejavu-core
FONT = "DejaVuSans-Bold.ttf"
Alter = Callable[[Image.Image, Random], Image.Image]


def recompressed(image: Image.Image, rng: Random) -> Image.Image:
    """Return the picture after a JPEG of low quality."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=rng.choice((30, 40, 50)))
    return Image.open(buffer).convert("RGB")


def resized(image: Image.Image, rng: Random) -> Image.Image:
    """Return the picture at .4 to .7 of its sides."""
    share = rng.uniform(0.4, 0.7)
    return image.resize((max(32, round(image.width * share)), max(32, round(image.height * share))))


def cropped(image: Image.Image, rng: Random) -> Image.Image:
    """Return a part with .78 to .9 of each side, anywhere."""
    width, height = (round(side * rng.uniform(0.78, 0.9)) for side in image.size)
    left, top = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))


def framed(image: Image.Image, rng: Random) -> Image.Image:
    """Return the picture in a border of .05 to .15 of its side, white or coloured."""
    colour = rng.choice(("white", "white", "#c8102e", "#f2c14e", "#222222"))
    return ImageOps.expand(image, round(min(image.size) * rng.uniform(0.05, 0.15)), colour)


def watermarked(image: Image.Image, rng: Random) -> Image.Image:
    """Return the picture with half-transparent words across it."""
    layer = Image.new("RGBA", image.size)
    font = ImageFont.truetype(FONT, max(12, image.width // 8))
    for row in range(3):
        place = (rng.uniform(0, image.width / 4), image.height * (row + 0.3) / 3)
        ImageDraw.Draw(layer).text(place, "SHOP 88 ONLINE", (110, 110, 110, 110), font)
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def with_strip(image: Image.Image, rng: Random) -> Image.Image:
    """Return the picture with a promotional strip over .15 to .25 of it."""
    copy, high = image.copy(), round(image.height * rng.uniform(0.15, 0.25))
    top = rng.choice((0, image.height - high))
    canvas = ImageDraw.Draw(copy)
    canvas.rectangle((0, top, image.width, top + high), rng.choice(("#d7000f", "#ff6a00", "#0b6fd6")))
    font = ImageFont.truetype(FONT, max(10, high // 2))
    canvas.text((image.width * 0.05, top + high * 0.2), f"SALE {rng.randint(9, 99)}.90", "white", font)
    return copy


def mirrored(image: Image.Image, rng: Random) -> Image.Image:
    """Return the mirror image."""
    return ImageOps.mirror(image)


def recoloured(image: Image.Image, rng: Random) -> Image.Image:
    """Return the picture warmer or colder, and lighter or darker."""
    red, _, blue = (rng.uniform(0.85, 1.15) for _ in range(3))
    bands = image.split()
    bands = (
        bands[0].point(lambda v: min(255, int(v * red))),
        bands[1],
        bands[2].point(lambda v: min(255, int(v * blue))),
    )
    return ImageEnhance.Brightness(Image.merge("RGB", bands)).enhance(rng.uniform(0.8, 1.2))


def rephotographed(image: Image.Image, rng: Random) -> Image.Image:
    """Return the picture turned by up to 8 degrees, cropped, recoloured and compressed again."""
    turned = image.rotate(rng.uniform(-8, 8), Image.Resampling.BICUBIC, fillcolor="white")
    return recompressed(recoloured(cropped(turned, rng), rng), rng)


ALTERED: dict[str, Alter] = {
    "recompressed": recompressed,
    "resized": resized,
    "cropped": cropped,
    "framed": framed,
    "watermark": watermarked,
    "strip": with_strip,
    "mirrored": mirrored,
    "recoloured": recoloured,
    "rephotographed": rephotographed,
}
