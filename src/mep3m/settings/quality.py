"""Settings of the quality checks; a check that is `None` or false is off."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mep3m.settings.base import MAX_PIXELS, Settings, Several

Script = Literal["Han", "Latin", "Hiragana", "Katakana", "Hangul", "Cyrillic", "Arabic", "Thai", "Greek"]


class QualitySettings(Settings):
    """Which products are taken out, and why.

    Attributes:
        broken_image: take out images that cannot be decoded to the end.
        missing_image: take out products without an image.
        max_pixels: images with more pixels are not decoded and count as broken.
        min_side: shortest side in pixels.
        max_aspect: longest side over shortest.
        blank_image: take out images of nearly one value that is white or black.
        min_contrast: standard deviation of the grey values (0 to 255) below which an image is
            near-uniform.
        min_sharpness: the 99.8th percentile of the absolute Laplacian (0 to 1020, at most 256 px a
            side) below which an image is blurred. At 20 a Gaussian blur of 2 px on a 220 px image is
            found, and none of 2,836 real product images (docs/log/dedupe.md) is.
        empty_title: take out products without a title.
        min_title: shortest title in characters, outer white space not counted.
        max_title: longest title in characters.
        scripts: the scripts that titles are written in.
        foreign_share: a title is foreign when more than this share of its letters is in other scripts.
    """

    broken_image: bool = True
    missing_image: bool = False
    max_pixels: Annotated[int, Field(ge=1)] = MAX_PIXELS
    min_side: Annotated[int | None, Field(ge=1)] = 32
    max_aspect: Annotated[float | None, Field(ge=1)] = 5.0
    blank_image: bool = True
    min_contrast: Annotated[float | None, Field(gt=0)] = 3.0
    min_sharpness: Annotated[float | None, Field(gt=0)] = 20.0
    empty_title: bool = True
    min_title: Annotated[int | None, Field(ge=1)] = 2
    max_title: Annotated[int | None, Field(ge=1)] = 300
    scripts: Several[Script] | None = ("Han", "Latin")
    foreign_share: Annotated[float, Field(ge=0, le=1)] = 0.5
