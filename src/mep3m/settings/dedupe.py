"""Settings of duplicate grouping: which evidence joins two products, and how much of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mep3m.settings.base import MAX_PIXELS, Settings


class DedupeSettings(Settings):
    """What makes two products duplicates; evidence that is `None` or false is not used.

    Attributes:
        same_title: equal titles, when width, case, spaces and punctuation are left out.
        same_image: the same image bytes.
        near_title: least Jaccard similarity of the titles' character 3-grams.
        image_distance: most differing bits, of 64, between perceptual image hashes ...
        image_title: ... when the titles' similarity is at least this, too, for equal hashes ...
        image_step: ... and so much more for each differing bit: products of one brand often look alike.
        same_photo: least share of pixels that agree once one picture has been laid on the other: finds photos
            that were cropped, framed, turned or mirrored, where the titles' similarity is `image_title`, too.
            Not used unless it is given; 0.85 is measured. Needs 'mep3m[train,ocr]' and some 50 to 100 ms a
            product.
        common_image: an image shared by more different titles than this is a placeholder, and
            joins nothing.
        chain: a group of more different titles than this is split around its best-connected titles,
            so that a chain of small steps never joins what has nothing in common.
        max_pixels: images with more pixels have no perceptual hash.
    """

    same_title: bool = True
    same_image: bool = True
    near_title: Annotated[float | None, Field(gt=0, le=1)] = 0.6
    image_distance: Annotated[int | None, Field(ge=0, le=8)] = 4
    image_title: Annotated[float, Field(ge=0, le=1)] = 0.2
    image_step: Annotated[float, Field(ge=0, le=1)] = 0.03
    same_photo: Annotated[float | None, Field(ge=0.5, le=1)] = None
    common_image: Annotated[int, Field(ge=2)] = 30
    chain: Annotated[int, Field(ge=2)] = 20
    max_pixels: Annotated[int, Field(ge=1)] = MAX_PIXELS
