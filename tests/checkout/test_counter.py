"""Counting: each product is told from the others in any turn, and the whole or its parts are chosen."""

import numpy as np
import pytest

from mep3m.checkout.counter import ProductCounter, shown
from mep3m.checkout.cuts import CutProducts
from mep3m.checkout.regions import Region
from mep3m.checkout.scenes.compose import Drawing, compose
from mep3m.imaging.decode import Pixels
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


def pair(cut: CutProducts) -> tuple[Pixels, list[Region]]:
    """Return two products side by side in a picture of 640 pixels; the regions are both and each of them."""
    one, other = (cut.cuts[n][0] for n in (2, 7))
    height, width = min(one.mask.shape[0], other.mask.shape[0]), one.mask.shape[1]
    both = np.concatenate([one.pixels[:height], other.pixels[:height]], axis=1)
    pixels = np.full((640, 640, 3), 210, np.uint8)
    pixels[50 : 50 + height, 50 : 50 + both.shape[1]] = both
    regions = [
        Region((50, 50), np.ones(both.shape[:2], bool)),
        Region((50, 50), np.ones((height, width), bool)),
        Region((50 + width, 50), np.ones((height, both.shape[1] - width), bool)),
    ]
    return pixels, regions


def test_parts_are_counted_where_they_are_more_like_products(cut: CutProducts, encoder: Encoder) -> None:
    pixels, regions = pair(cut)
    found = ProductCounter(cut, encoder, finder=lambda small: regions).count(pixels)
    assert sorted(one.product for one in found) == [2, 7]


def test_the_whole_is_counted_where_it_is_more_like_a_product(cut: CutProducts, encoder: Encoder) -> None:
    pixels, (_, one, _) = pair(cut)
    (left, top), (height, width) = one.corner, one.mask.shape
    pieces = [Region((left, top + height // 8 * n), np.ones((height // 8, width), bool)) for n in range(8)]
    (found,) = ProductCounter(cut, encoder, finder=lambda small: [*pieces, one]).count(pixels)
    assert found.product == 2
    assert found.place == one.place


def test_regions_that_hardly_overlap_are_both_counted(cut: CutProducts, encoder: Encoder) -> None:
    pixels, (_, one, other) = pair(cut)
    (left, top), (height, width) = other.corner, other.mask.shape
    wider = Region((left - width // 10, top), np.ones((height, width + width // 10), bool))
    found = ProductCounter(cut, encoder, least=-1, finder=lambda small: [one, wider]).count(pixels)
    assert len(found) == 2
    same = ProductCounter(cut, encoder, least=-1, finder=lambda small: [one, one]).count(pixels)
    assert len(same) == 1


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
