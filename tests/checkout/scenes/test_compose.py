"""Composed scenes: RPC's levels, the bound on overlap, boxes that hold what is seen, the same by seed."""

import numpy as np
import pytest

from mep3m.checkout.scenes.compose import LEVELS, Drawing, Scene, check_levels, compose
from mep3m.errors import UsageError
from tests.checkout.made import plain_cuts

CUTS = plain_cuts(12).cuts
SMALL = Drawing(side=256)


def scene(level: str = "medium", seed: int = 0, drawing: Drawing = SMALL) -> Scene:
    return compose(CUTS, level, drawing, np.random.default_rng(seed))


@pytest.mark.parametrize("level", LEVELS)
def test_levels_have_the_numbers_of_rpc(level: str) -> None:
    clutter = LEVELS[level]
    for seed in range(6):
        made = scene(level, seed)
        assert clutter.products[0] <= len(set(made.product)) <= clutter.products[1]
        assert clutter.instances[0] <= len(made.product) <= clutter.instances[1]
        assert len(made.place) == len(made.product)


def test_the_levels_are_those_of_the_paper() -> None:
    assert LEVELS["easy"] == ((3, 5), (3, 10))
    assert LEVELS["medium"] == ((5, 8), (10, 15))
    assert LEVELS["hard"] == ((8, 10), (15, 20))


def test_the_same_seed_is_the_same_scene() -> None:
    one, same, other = scene(seed=4), scene(seed=4), scene(seed=5)
    assert (one.pixels == same.pixels).all()
    assert (one.place == same.place).all()
    assert one.pixels.tobytes() != other.pixels.tobytes()


def test_boxes_hold_exactly_what_is_seen_of_an_instance() -> None:
    made = scene("hard")
    for number, (left, top, width, height) in enumerate(made.place.astype(int)):
        seen = made.owner == number
        assert seen.any()
        inside = seen[top : top + height, left : left + width]
        assert inside.sum() == seen.sum()
        assert inside[0].any()
        assert inside[-1].any()
        assert inside[:, 0].any()
        assert inside[:, -1].any()


@pytest.mark.parametrize("overlap", [0.0, 0.1, 0.4])
def test_no_instance_is_hidden_by_more_than_the_bound(overlap: float) -> None:
    drawing = Drawing(side=256, overlap=overlap, turn=0.0)
    hidden = []
    for seed in range(3):
        made = scene("hard", seed, drawing)
        for number, (_, _, width, height) in enumerate(made.place):
            seen = float((made.owner == number).sum())
            # not turned, a product is a rectangle of 3:2; of its box hidden parts may be cut off
            hidden.append(1 - seen / max(width * height, height * height * 2 / 3, width * width * 3 / 2))
    assert max(hidden) <= overlap + 0.08
    assert max(hidden) > 0.2 if overlap == 0.4 else True


def test_products_lie_on_the_tray_and_can_be_told_from_it() -> None:
    made = scene("easy", 1)
    tray = made.pixels[made.owner < 0].astype(int)
    assert tray.mean() > 170
    assert tray.std() < 25
    on_it = made.pixels[made.owner >= 0].astype(int)
    assert np.abs(on_it.mean(0) - tray.mean(0)).max() > 20


def test_shadows_are_dark_and_can_be_left_out() -> None:
    with_them, without = scene(seed=2), scene(seed=2, drawing=Drawing(side=256, shadows=False))
    assert (with_them.owner == without.owner).all()
    tray = with_them.owner < 0
    assert with_them.pixels[tray].mean() < without.pixels[tray].mean() - 0.3
    assert with_them.pixels[tray].min() < without.pixels[tray].min()


def test_products_are_turned() -> None:
    shapes = {tuple(place[2:]) for place in scene("hard").place.tolist()}
    assert len(shapes) > 8
    straight = scene("hard", drawing=Drawing(side=256, overlap=0.0, turn=0.0))
    ratios = straight.place[:, 3] / straight.place[:, 2]
    assert ratios == pytest.approx(np.full(len(ratios), 1.5), abs=0.15)


def test_all_are_made_smaller_where_they_do_not_fit() -> None:
    large = scene("hard", drawing=Drawing(side=256, overlap=0.0, scale=0.5))
    assert len(large.product) >= 15
    assert large.place[:, 2:].max() < 128


def test_fewer_products_than_the_most_of_a_level_are_enough() -> None:
    made = compose(plain_cuts(8).cuts, "hard", SMALL, np.random.default_rng(0))
    assert len(set(made.product)) == 8


@pytest.mark.parametrize(("level", "products"), [("easy", 2), ("medium", 4), ("hard", 7)])
def test_too_few_products_for_a_level_are_said(level: str, products: int) -> None:
    with pytest.raises(UsageError, match=f"level {level} has at least .* there are {products}"):
        compose(CUTS[:products], level, SMALL, np.random.default_rng(0))


def test_what_can_be_drawn_instead_is_said() -> None:
    with pytest.raises(UsageError, match="draw easy, medium alone"):
        check_levels(["hard"], 6)
    with pytest.raises(UsageError, match="add products"):
        check_levels(["easy"], 1)
    with pytest.raises(UsageError, match="no level 'hrad'; allowed: easy, medium, hard"):
        check_levels(["hrad"], 20)


@pytest.mark.parametrize(
    "wrong", [{"side": 10}, {"overlap": 1.0}, {"overlap": -0.1}, {"turn": 200.0}, {"scale": 0.9}]
)
def test_settings_that_cannot_be_are_said(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=f"{next(iter(wrong))} is .*; allowed"):
        Drawing(**wrong)  # type: ignore[arg-type]
