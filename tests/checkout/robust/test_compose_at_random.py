"""Scenes of any products and settings: what a scene promises holds for each of them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.checkout.cut_out import CutOut, Mask
from mep3m.checkout.scenes.compose import LEVELS, Drawing, _corners, compose
from mep3m.checkout.scenes.draw import draw_scenes
from tests.checkout.made import plain_cuts

SMALL = Drawing(side=96)
levels = st.sampled_from(list(LEVELS))
drawings = st.builds(
    Drawing,
    side=st.integers(96, 160),
    overlap=st.sampled_from([0.0, 0.05, 0.3, 0.9]),
    turn=st.sampled_from([0.0, 10.0, 180.0]),
    scale=st.sampled_from([0.05, 0.2, 0.5]),
    shadows=st.booleans(),
)
#: height and width of products: as thin and as small as cut-outs become
shapes = st.lists(
    st.tuples(st.sampled_from([1, 2, 17, 300]), st.sampled_from([1, 3, 40])), min_size=8, max_size=12
)


def cuts_of(shapes: list[tuple[int, int]]) -> list[list[CutOut]]:
    """Return a product of each shape; every second one is an ellipse in its box."""
    made = []
    for number, (height, width) in enumerate(shapes):
        down, across = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        round_ = number % 2 and min(height, width) > 2
        mask = down**2 + across**2 <= 1.01 if round_ else np.ones((height, width), bool)
        made.append([CutOut(np.full((height, width, 3), 20 + 15 * number, np.uint8), mask, "cut")])
    return made


def extent(mask: Mask) -> list[int]:
    """Return left, top, width and height of what a mask covers, pixel by pixel."""
    points = [(x, y) for y, row in enumerate(mask.tolist()) for x, is_set in enumerate(row) if is_set]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return [min(xs), min(ys), max(xs) - min(xs) + 1, max(ys) - min(ys) + 1]


@settings(max_examples=25)
@given(shapes, levels, drawings, st.integers(0, 2**32))
def test_levels_boxes_and_bytes_of_any_scene(
    shapes: list[tuple[int, int]], level: str, drawing: Drawing, seed: int
) -> None:
    cuts, side = cuts_of(shapes), drawing.side
    made, again = (compose(cuts, level, drawing, np.random.default_rng(seed)) for _ in range(2))
    assert made.pixels.tobytes() == again.pixels.tobytes()
    assert made.place.tobytes() == again.place.tobytes()
    assert (made.pixels.shape, made.pixels.dtype) == ((side, side, 3), np.uint8)
    clutter = LEVELS[level]
    assert clutter.products[0] <= len(set(made.product.tolist())) <= clutter.products[1]
    assert clutter.instances[0] <= len(made.product) <= clutter.instances[1]
    assert set(np.unique(made.owner)) - {-1} == set(range(len(made.product)))
    for number, place in enumerate(made.place.tolist()):
        assert place == extent(made.owner == number)
        left, top, width, height = place
        assert min(left, top) >= 0
        assert max(left + width, top + height) <= side


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=2, max_size=12),
       st.sampled_from([0.0, 0.1, 0.5, 0.9]), st.integers(0, 999))  # fmt: skip
def test_nothing_is_hidden_by_more_than_the_bound(
    shapes: list[tuple[int, int]], overlap: float, seed: int
) -> None:
    """Instances are laid again, the large ones first, and what is seen of each is counted."""
    masks = [cut.mask for (cut,) in cuts_of(shapes)]
    drawing = Drawing(side=96, overlap=overlap)
    corners = _corners(masks, drawing, np.random.default_rng(seed))
    if corners is None:
        return  # too many for the bound: they are made smaller
    owner = np.full((96, 96), -1)
    for number in sorted(range(len(masks)), key=lambda n: -int(masks[n].sum())):
        (top, left), (height, width) = corners[number], masks[number].shape
        assert min(top, left) >= 0
        assert max(top + height, left + width) <= 96
        owner[top : top + height, left : left + width][masks[number]] = number
    for number, mask in enumerate(masks):
        assert (owner == number).sum() >= (1 - overlap) * mask.sum() - 1e-9


@settings(max_examples=10)
@given(levels, st.integers(0, 999))
def test_without_turns_and_overlap_rectangles_fill_their_boxes(level: str, seed: int) -> None:
    drawing = Drawing(side=128, overlap=0.0, turn=0.0)
    made = compose(plain_cuts(10).cuts, level, drawing, np.random.default_rng(seed))
    for number, (_, _, width, height) in enumerate(made.place):
        assert (made.owner == number).sum() >= width * height - 4  # corners, of which half a pixel is seen


@pytest.mark.parametrize("chosen", [("easy",), ("easy", "medium")])
def test_fewer_images_or_levels_are_the_first_of_more(tmp_path: Path, chosen: tuple[str, ...]) -> None:
    cut = plain_cuts(9)
    more = draw_scenes(cut, tmp_path / "more", 3, ("easy", "medium", "hard"), SMALL, seed=8)
    few = draw_scenes(cut, tmp_path / "few", 2, chosen, SMALL, seed=8)
    for number, picture in enumerate(few.pictures):
        (same,) = (n for n, one in enumerate(more.pictures) if one.name == picture.name)
        assert picture.path.read_bytes() == more.pictures[same].path.read_bytes()
        own, other = few.boxes.on(np.array([number])), more.boxes.on(np.array([same]))
        assert own.place.tolist() == other.place.tolist()
        assert own.product.tolist() == other.product.tolist()


@settings(max_examples=10)
@given(st.integers(0, 999), st.integers(0, 999))
def test_products_are_drawn_whatever_they_look_like(seed: int, shade: int) -> None:
    """Where products lie is decided by their outlines: other colours lie in the same places."""
    cuts = plain_cuts(10).cuts
    other = [[cut._replace(pixels=(cut.pixels.astype(int) + shade).astype(np.uint8)) for cut in own]
             for own in cuts]  # fmt: skip
    one, same = (compose(each, "medium", SMALL, np.random.default_rng(seed)) for each in (cuts, other))
    assert (one.owner == same.owner).all()
    assert (one.product == same.product).all()
