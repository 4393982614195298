"""Outlines: what is learned from, that learning helps, and that a folder is the network again."""

from pathlib import Path

import numpy as np
import pytest

from mep3m.checkout.cuts import CutProducts
from mep3m.checkout.detector import open_finder
from mep3m.checkout.outlines import DESCRIPTION, WEIGHTS, Outlines, inside, train_outlines
from mep3m.checkout.scenes.compose import Drawing, compose
from mep3m.errors import ModelError
from mep3m.store.json_files import read_json


@pytest.fixture(scope="module")
def trained(cut: CutProducts) -> Outlines:
    return train_outlines(cut.cuts, scenes=4, epochs=6)


def test_the_target_is_0_at_outlines_and_1_inside(cut: CutProducts) -> None:
    scene = compose(cut.cuts, "easy", Drawing(side=128), np.random.default_rng(0))
    depth = inside(scene)
    assert depth.shape == (64, 64)
    owner = scene.owner[::2, ::2]
    assert depth[owner < 0].max() == 0
    for number in np.unique(owner[owner >= 0]):
        assert depth[owner == number].max() == 1
    assert depth[1:][owner[1:] != owner[:-1]].max() < 0.5


def test_what_was_learned_is_deeper_inside_products(cut: CutProducts, trained: Outlines) -> None:
    scene = compose(cut.cuts, "medium", Drawing(side=320), np.random.default_rng(99))
    depth = trained.depth(scene.pixels)
    assert depth.shape == scene.owner.shape
    assert 0 <= depth.min() < depth.max() <= 1
    assert depth[scene.owner >= 0].mean() > depth[scene.owner < 0].mean() + 0.05


def test_a_picture_of_any_shape_has_a_depth_for_each_pixel(trained: Outlines) -> None:
    for shape in ((50, 333), (640, 480), (17, 16)):
        assert trained.depth(np.full((*shape, 3), 200, np.uint8)).shape == shape


def test_the_same_seed_learns_the_same(cut: CutProducts) -> None:
    one, same = (train_outlines(cut.cuts, 2, 1, seed=3) for _ in range(2))
    pixels = compose(cut.cuts, "easy", Drawing(side=128), np.random.default_rng(0)).pixels
    assert (one.depth(pixels) == same.depth(pixels)).all()
    assert one.facts == same.facts
    assert one.facts["scenes"] == 2


def test_a_folder_is_the_network_again(cut: CutProducts, trained: Outlines, tmp_path: Path) -> None:
    trained.save(tmp_path / "detector")
    pixels = compose(cut.cuts, "easy", Drawing(side=320), np.random.default_rng(0)).pixels
    again = Outlines.load(tmp_path / "detector")
    assert (again.depth(pixels) == trained.depth(pixels)).all()
    assert read_json(tmp_path / "detector" / DESCRIPTION) == trained.facts
    regions = open_finder(tmp_path / "detector")(pixels)
    assert [one.place for one in regions] == [one.place for one in trained.find(pixels)]


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_a_damaged_folder_is_said(trained: Outlines, tmp_path: Path, damage: str) -> None:
    trained.save(tmp_path)
    weights = tmp_path / WEIGHTS
    content = weights.read_bytes()
    weights.unlink()
    if damage != "missing":
        weights.write_bytes(content[:1000] if damage == "cut" else b"{}")
    with pytest.raises(ModelError, match=r"no readable outlines.*checkout train"):
        Outlines.load(tmp_path)
