"""Regions: what is unlike the tray, whatever its light; products that touch are parts of one."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mep3m.checkout.regions import Region, find_regions, products_mask
from mep3m.checkout.scenes.compose import Drawing, compose
from mep3m.imaging.decode import Pixels
from tests.checkout.made import plain_cuts


def tray(*shapes: tuple[str, tuple[int, int, int, int], str], side: int = 320) -> Pixels:
    """Draw ellipses (e) and rectangles (r) on a tray that is darker on one side."""
    shade = np.linspace(225, 195, side)[None, :, None] * np.ones((side, 1, 3))
    image = Image.fromarray(shade.astype(np.uint8))
    canvas = ImageDraw.Draw(image)
    for kind, box, colour in shapes:
        (canvas.ellipse if kind == "e" else canvas.rectangle)(box, fill=colour)
    return np.array(image)


def smallest(regions: list[Region]) -> list[Region]:
    """Return the regions that hold no other."""
    return [
        one
        for one in regions
        if not any(other is not one and _within(other.place, one.place) for other in regions)
    ]


def _within(inner: tuple[float, ...], outer: tuple[float, ...]) -> bool:
    ends = (inner[0] + inner[2] <= outer[0] + outer[2], inner[1] + inner[3] <= outer[1] + outer[3])
    return inner[0] >= outer[0] and inner[1] >= outer[1] and all(ends)


def test_products_that_lie_apart_are_regions() -> None:
    found = find_regions(tray(("r", (20, 20, 79, 99), "red"), ("e", (150, 150, 229, 249), "navy")))
    assert [one.place for one in found] == [
        pytest.approx((20, 20, 60, 80), abs=3),
        pytest.approx((150, 150, 80, 100), abs=3),
    ]
    assert found[0].mask.sum() == pytest.approx(60 * 80, rel=0.08)


def test_an_empty_tray_has_none() -> None:
    assert find_regions(tray()) == []


def test_crumbs_are_none() -> None:
    assert find_regions(tray(("r", (100, 100, 104, 104), "red"))) == []


def test_soft_shadows_are_no_products() -> None:
    pixels = tray(("r", (100, 100, 180, 180), "red")).astype(float)
    pixels[90:200, 185:200] *= 0.88
    found = find_regions(pixels.astype(np.uint8))
    assert len(found) == 1
    assert found[0].place[2] < 90


def test_two_that_touch_are_parts_of_one() -> None:
    found = find_regions(tray(("e", (60, 60, 139, 139), "red"), ("e", (134, 60, 213, 139), "navy")))
    whole, left, right = sorted(found, key=lambda one: (-one.place[2], one.place[0]))
    assert left.place == pytest.approx((60, 60, 77, 80), abs=6)
    assert right.place == pytest.approx((137, 60, 77, 80), abs=6)
    assert left.mask.sum() + right.mask.sum() <= whole.mask.sum()


def test_three_that_touch_are_parts_of_parts() -> None:
    row = [("e", (20 + 75 * n, 60, 99 + 75 * n, 139), "red") for n in range(3)]
    found = find_regions(tray(*row))
    assert len(smallest(found)) == 3
    assert found[0].place[2] > 220


@pytest.mark.parametrize("box", [(40, 100, 280, 130), (100, 20, 120, 300), (60, 60, 200, 200)])
def test_one_product_of_one_width_has_no_parts(box: tuple[int, int, int, int]) -> None:
    assert len(find_regions(tray(("r", box, "green")))) == 1


def test_the_tray_between_products_is_no_product() -> None:
    ring = tray(("r", (40, 40, 280, 280), "navy"))
    ring[90:230, 90:230] = tray()[90:230, 90:230]
    mask = products_mask(ring)
    assert not mask[160, 160]
    assert mask[60, 160]


def test_a_small_hole_is_the_products() -> None:
    pixels = tray(("r", (100, 100, 200, 200), "navy"))
    pixels[145:155, 145:155] = tray()[145:155, 145:155]
    assert products_mask(pixels)[150, 150]


def test_given_depths_part_what_has_no_neck() -> None:
    pixels = tray(("r", (60, 100, 259, 179), "red"))
    assert len(find_regions(pixels)) == 1
    depth = np.zeros(pixels.shape[:2], np.float32)
    depth[110:170, 70:150] = depth[110:170, 170:250] = 1
    assert [one.place for one in smallest(find_regions(pixels, depth))] == [
        pytest.approx((60, 100, 100, 80), abs=4),
        pytest.approx((160, 100, 100, 80), abs=4),
    ]


def test_products_of_a_scene_without_overlap_are_found() -> None:
    cuts = plain_cuts(9, 60, 60).cuts
    drawing = Drawing(side=480, overlap=0.0, scale=0.12)
    scene = compose(cuts, "easy", drawing, np.random.default_rng(3))
    found = [one.place for one in smallest(find_regions(scene.pixels))]
    assert len(found) == len(scene.product)
    for place in scene.place:
        assert min(np.abs(np.array(one) - place).max() for one in found) < 8
