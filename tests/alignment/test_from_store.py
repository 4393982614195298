"""Platforms from the products of a store: pictures are measured where they are stored."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mep3m.alignment.from_store import PICTURES_KEPT, picture_statistics, sides_from_products
from mep3m.product import Product, to_table
from mep3m.store.images import ContentImages


def png(*colours: tuple[int, ...], size: int = 32) -> bytes:
    """A picture of vertical stripes."""
    image = Image.new("RGBA" if len(colours[0]) == 4 else "RGB", (size * len(colours), size))
    for place, colour in enumerate(colours):
        image.paste(colour, (place * size, 0, (place + 1) * size, size))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_statistics_are_colours_and_contrast_by_cell() -> None:
    found = picture_statistics(png((255, 0, 0), (0, 0, 255)))
    assert found is not None
    assert found.shape == (64,)
    means = found[:48].reshape(4, 4, 3)
    assert means[:, 0].mean(axis=0).tolist() == pytest.approx([1, 0, 0])
    assert means[:, 3].mean(axis=0).tolist() == pytest.approx([0, 0, 1])
    assert found[48:].max() == pytest.approx(0, abs=1e-6)


def test_size_hardly_matters_and_transparent_is_white() -> None:
    small, large = (picture_statistics(png((9, 80, 30), (200, 3, 90), size=size)) for size in (32, 300))
    assert small is not None
    assert np.abs(small - large).max() < 0.05
    clear = picture_statistics(png((0, 0, 0, 0), (0, 0, 0, 0)))
    assert clear is not None
    assert clear[:48].min() == pytest.approx(1)


@pytest.mark.parametrize("content", [b"", b"no picture", png((1, 2, 3))[:40]])
def test_what_cannot_be_decoded_has_no_statistics(content: bytes) -> None:
    assert picture_statistics(content) is None


def test_a_category_has_the_mean_of_its_first_pictures(tmp_path: Path) -> None:
    images = ContentImages(tmp_path)
    red, blue, torn = (images.put(of) for of in (png((255, 0, 0)), png((0, 0, 255)), b"torn"))
    keys = {"a": [red, blue, torn, None], "b": ["0" * 64], "c": [red] * (2 * PICTURES_KEPT)}
    rows = [
        Product(f"{name}{n}", f"shop{name}", str(n), (name,), title="t", image=key)
        for name, of in keys.items()
        for n, key in enumerate(of)
    ]
    mixed, gone, plain = sides_from_products([to_table(rows)], images)
    assert mixed.entries[0].image[:3] == pytest.approx((0.5, 0, 0.5))
    assert gone.entries[0].image == ()
    assert plain.entries[0].image[:3] == pytest.approx((1, 0, 0))
    assert all(entry.image == () for side in sides_from_products([to_table(rows)]) for entry in side)
