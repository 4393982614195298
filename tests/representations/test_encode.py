"""Unit length, both modalities side by side, and what a row lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mep3m.arrays import unit_length
from mep3m.models.classifier import Encoded
from mep3m.representations.encode import encode
from mep3m.representations.records import Part
from mep3m.representations.weights import open_encoders
from tests.models.catalogue import products
from tests.representations.small import tiny_network


class Fixed(NamedTuple):
    """An encoder with vectors that were given, for the arithmetic alone."""

    part: Part
    vectors: np.ndarray
    seen: np.ndarray

    @property
    def width(self) -> int:
        return int(self.vectors.shape[1])

    def read(self, products: pa.Table, images: Any) -> Encoded:
        return Encoded(self.vectors, self.seen, [])

    def facts(self) -> dict[str, Any]:
        return {}


def rows(tmp_path: Path) -> tuple[pa.Table, Any]:
    return products(tmp_path / "images", 4)


def test_both_are_the_unit_vectors_side_by_side(tmp_path: Path) -> None:
    table, images = rows(tmp_path)
    image = Fixed(
        "image", np.array([[3, 0], [0, 5], [1, 0], [0, 0]], np.float32), np.array([1, 1, 0, 1], bool)
    )
    title = Fixed(
        "title", np.array([[0, 2, 0], [0, 0, 0], [9, 0, 0], [0, 0, 0]], np.float32), np.ones(4, bool)
    )
    made = encode(table, images, "image+text", [image, title])
    half = np.sqrt(0.5)
    wanted = [[half, 0, 0, half, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]
    np.testing.assert_allclose(made.vectors, wanted, atol=1e-7)
    assert made.told.tolist() == [[True, True], [True, False], [False, True], [False, False]]
    assert made.vectors.dtype == np.float32


@given(
    arrays.arrays(np.float32, st.tuples(st.integers(0, 5), st.integers(1, 4)), elements=st.floats(width=32))
)
def test_a_vector_has_unit_length_or_is_zeros(vectors: np.ndarray) -> None:
    made, has = unit_length(vectors)
    assert np.isfinite(made).all()
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), has, atol=1e-5)


@pytest.mark.parametrize("lacking", ["image", "title"])
def test_a_row_that_lacks_one_has_zeros_there_and_is_told(lacking: str, tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 6, without=lacking)
    encoders = open_encoders(
        "image+text", [str(tiny_network(tmp_path / "net"))], table["title"].drop_null(), cache=tmp_path / "c"
    )
    made = encode(table, images, "image+text", encoders)
    place = slice(0, encoders[0].width) if lacking == "image" else slice(encoders[0].width, None)
    assert not made.vectors[0, place].any()
    assert made.vectors[1:, place].any(1).all()
    np.testing.assert_allclose(np.linalg.norm(made.vectors, axis=1), 1, atol=1e-6)
    assert made.told.sum() == 11


def test_a_row_does_not_depend_on_its_neighbours(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 6)
    encoders = open_encoders("image+text", [str(tiny_network(tmp_path / "net"))], table["title"])
    whole = encode(table, images, "image+text", encoders).vectors
    turned = encode(table.take([4, 2]), images, "image+text", encoders).vectors
    np.testing.assert_allclose(turned, whole[[4, 2]], atol=1e-5)


def test_no_rows_are_no_vectors(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 2)
    encoders = open_encoders("image+text", [str(tiny_network(tmp_path / "net"))], table["title"])
    made = encode(table.slice(0, 0), images, "image+text", encoders)
    assert made.vectors.shape == (0, sum(encoder.width for encoder in encoders))
    assert made.told.shape == (0, 2)


def test_a_broken_image_is_told_and_has_no_vector(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 3)
    images.file(table["image"][1].as_py()).write_bytes(b"broken")
    made = encode(table, images, "image", open_encoders("image", [str(tiny_network(tmp_path / "net"))]))
    assert made.told[:, 0].tolist() == [True, False, True]
    assert [reject.product for reject in made.rejects] == ["p1"]
