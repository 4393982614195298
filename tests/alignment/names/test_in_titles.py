"""Titles that say the name of a category of the other shop."""

import numpy as np
import pytest

from mep3m.alignment.names.compare import trees
from mep3m.alignment.names.in_titles import Named
from mep3m.alignment.records import Entry, Side


def side(name: str, *entries: tuple[str, tuple[str, ...]]) -> Side:
    return Side(name, tuple(Entry(own, (own,), titles=titles) for own, titles in entries))


def said(left: Side, right: Side) -> tuple[np.ndarray, np.ndarray]:
    """Return (said, lead) of every left name in every right category's titles, as tables."""
    rows, columns = (
        of.ravel() for of in np.meshgrid(*map(np.arange, map(len, (left, right))), indexing="ij")
    )
    found = Named(*trees(left, right)).features(rows, columns)
    return tuple(of.reshape(len(left), len(right)) for of in found)  # type: ignore[return-value]


LEFT = side("a", ("移动电话", ()), ("茶叶", ()))
RIGHT = side(
    "b",
    ("通讯", ("小米 手机 5G", "华为手机 256G", "荣耀智能手机")),
    ("冲饮", ("明前 茶叶 250g", "送礼 礼盒")),
    ("空", ()),
)


def test_a_title_says_a_name_by_any_of_its_synonyms() -> None:
    share, lead = said(LEFT, RIGHT)
    assert share[0, 0] == pytest.approx(3 / 4)  # three of three, one more thought of that does not
    assert share[0, 1] == 0
    assert share[1, 1] == pytest.approx(1 / 3)
    assert lead[1, 1] == 1.0
    assert np.isnan(share[:, 2]).all()


def test_a_name_of_two_meanings_is_said_by_halves() -> None:
    share, _ = said(side("a", ("手机壳", ())), RIGHT)
    assert share[0, 0] == pytest.approx(3 / 8)


def test_names_that_nobody_says_and_sides_without_titles() -> None:
    share, lead = said(side("a", ("帐篷", ())), RIGHT)
    assert share[0, :2].tolist() == lead[0, :2].tolist() == [0, 0]
    share, _ = said(LEFT, side("b", ("冲饮", ())))
    assert np.isnan(share).all()
