"""Counting: each product is told from the others in any turn, and the whole or its parts are chosen."""

import numpy as np
import pytest

from mep3m.checkout.compose import Drawing, compose
from mep3m.checkout.counter import ProductCounter, shown
from mep3m.checkout.cuts import CutProducts
from mep3m.checkout.regions import Region
from mep3m.representations.records import Encoder

APART = Drawing(side=640, overlap=0.0, scale=0.12)


@pytest.fixture(scope="module")
def counter(cut: CutProducts, encoder: Encoder) -> ProductCounter:
    return ProductCounter(cut, encoder)


def test_a_cut_out_is_most_like_its_own_product(counter: ProductCounter, cut: CutProducts) -> None:
    views = [shown(cuts[0].pixels, cuts[0].mask, 22.5) for cuts in cut.cuts]
    likeness = counter.likeness(views)
    assert likeness.shape == (10, 10)
    right = likeness.argmax(axis=1) == np.arange(10)
    assert right.sum() >= 8  # the encoder has learned nothing
    assert likeness.max() <= 1 + 1e-5


def test_products_that_lie_apart_are_counted_right(counter: ProductCounter, cut: CutProducts) -> None:
    wrong = instances = 0
    for seed in range(4):
        scene = compose(cut.cuts, "easy", APART, np.random.default_rng(seed))
        found = counter.count(scene.pixels)
        assert len(found) == len(scene.product)
        true = np.bincount(scene.product, minlength=10)
        wrong += np.abs(true - np.bincount([one.product for one in found], minlength=10)).sum()
        instances += len(scene.product)
    assert wrong <= instances / 4  # the encoder has learned nothing


def test_boxes_are_those_of_the_scene_in_its_own_pixels(counter: ProductCounter, cut: CutProducts) -> None:
    drawing = Drawing(side=960, overlap=0.0, scale=0.12)
    scene = compose(cut.cuts, "easy", drawing, np.random.default_rng(1))
    for place in scene.place:
        nearest = min(np.abs(np.subtract(one.place, place)).max() for one in counter.count(scene.pixels))
        assert nearest < 12


def test_the_most_certain_comes_first(counter: ProductCounter, cut: CutProducts) -> None:
    scene = compose(cut.cuts, "medium", APART, np.random.default_rng(0))
    likeness = [one.likeness for one in counter.count(scene.pixels)]
    assert likeness == sorted(likeness, reverse=True)


def test_an_empty_tray_has_no_products(counter: ProductCounter) -> None:
    assert counter.count(np.full((200, 300, 3), 210, np.uint8)) == []


def test_what_is_like_no_product_is_none(cut: CutProducts, encoder: Encoder) -> None:
    scene = compose(cut.cuts, "easy", APART, np.random.default_rng(0))
    assert ProductCounter(cut, encoder, least=1.0).count(scene.pixels) == []


def test_parts_stand_where_they_are_more_like_products(counter: ProductCounter, cut: CutProducts) -> None:
    """Two products side by side: the whole is like neither, its halves are like one each."""
    one, other = (cut.cuts[n][0] for n in (2, 7))
    height = min(one.mask.shape[0], other.mask.shape[0])
    pair = np.concatenate([one.pixels[:height], other.pixels[:height]], axis=1)
    pixels = np.full((300, 300, 3), 210, np.uint8)
    pixels[50 : 50 + height, 50 : 50 + pair.shape[1]] = pair
    width = one.mask.shape[1]
    halves = (
        Region((50, 50), np.ones((height, width), bool)),
        Region((50 + width, 50), np.ones((height, pair.shape[1] - width), bool)),
    )
    whole = Region((50, 50), np.ones((height, pair.shape[1]), bool), halves)
    scaled = ProductCounter(cut, counter.encoder, finder=lambda small: [_enlarged(whole, 640 / 300)])
    assert sorted(found.product for found in scaled.count(pixels)) == [2, 7]


def _enlarged(region: Region, scale: float) -> Region:
    left, top = (round(value * scale) for value in region.corner)
    height, width = (round(value * scale) for value in region.mask.shape)
    parts = tuple(_enlarged(part, scale) for part in region.parts)
    return Region((left, top), np.ones((height, width), bool), parts)


def test_the_whole_stands_where_its_parts_are_less_like_products(
    counter: ProductCounter, cut: CutProducts
) -> None:
    scene = compose(cut.cuts[:3], "easy", APART, np.random.default_rng(2))
    left, top, width, height = scene.place[0].astype(int)
    thin = height // 6
    parts = tuple(Region((left, top + thin * n), np.ones((thin, width), bool), ()) for n in (0, 1))
    one = Region((left, top), scene.owner[top : top + height, left : left + width] == 0, parts)
    (found,) = ProductCounter(cut, counter.encoder, finder=lambda small: [one]).count(scene.pixels)
    assert found.place == pytest.approx(scene.place[0])


@pytest.mark.parametrize("turn", [0.0, 30.0, 90.0, 200.0])
def test_a_view_holds_all_of_a_product_on_white(turn: float) -> None:
    pixels = np.zeros((30, 80, 3), np.uint8)
    view = shown(pixels, np.ones((30, 80), bool), turn)
    dark = view.max(axis=2) < 128
    assert view[0].min() == view[-1].min() == 255
    assert view[:, 0].min() == view[:, -1].min() == 255
    rows, columns = np.flatnonzero(dark.any(1)), np.flatnonzero(dark.any(0))
    longer = max(rows[-1] - rows[0], columns[-1] - columns[0])
    assert 0.8 < longer / view.shape[0] < 0.92


def test_a_view_leaves_out_what_is_not_the_product() -> None:
    pixels = np.zeros((40, 40, 3), np.uint8)
    mask = np.zeros((40, 40), bool)
    mask[:, :20] = True
    dark = shown(pixels, mask).max(axis=2) < 128
    assert dark.any(0).sum() == pytest.approx(dark.any(1).sum() / 2, abs=3)
