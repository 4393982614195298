"""The nearest images by pixels and by a network: each from what it says, and only where both say anything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mep3m.report.dataset_report import report_dataset
from mep3m.statistics.figures import dataset_figures
from mep3m.statistics.nearest import nearest_images
from mep3m.store import Store
from tests.statistics.test_figures import written

PATHS = (("1", "11"), ("1", "11"), ("1", "12"), ("1", "12"))


def turned(store: Store, blind: int = -1) -> dict[str, np.ndarray]:
    """Return vectors in which the first image is like the third and the second like the fourth."""
    keys = [row["image"] for table in store.tables(["image"]) for row in table.to_pylist()]
    angles = (0.0, 1.0, 0.1, 1.1)
    found = {key: np.array([np.cos(a), np.sin(a)], np.float32) for key, a in zip(keys, angles, strict=True)}
    if blind >= 0:
        found[keys[blind]] = np.zeros(2, np.float32)
    return found


def test_each_says_what_is_nearest_to_it(tmp_path: Path) -> None:
    store = written(tmp_path, *PATHS)  # shades 100 to 103: by pixels neighbours are next to each other
    known = turned(store)
    asked: list[Sequence[str]] = []

    def see(keys: Sequence[str]) -> np.ndarray:
        asked.append(keys)
        return np.stack([known[key] for key in keys])

    found = nearest_images(store, see)
    assert found is not None
    assert (found.sample, found.same_by_eyes) == (4, 0.0)
    assert found.same_by_pixels >= 0.5
    assert sorted(asked[0]) == sorted(known)
    keys = list(known)
    place = {key: n for n, key in enumerate(keys)}
    for row in found.nearest:
        assert abs(place[row.image.image] - place[row.by_eyes.image]) == 2
        assert abs(place[row.image.image] - place[row.by_pixels.image]) == 1
        assert row.by_eyes.distance == pytest.approx(1 - np.cos(0.1), abs=1e-5)
    assert {frozenset(place[key] for key in (p.left, p.right)) for p in found.look_alikes} == {
        frozenset({0, 2}), frozenset({1, 3}),
    }  # fmt: skip


def test_an_image_that_the_network_cannot_read_is_no_neighbour(tmp_path: Path) -> None:
    store = written(tmp_path, *PATHS)
    known = turned(store, blind=2)
    found = nearest_images(store, lambda keys: np.stack([known[key] for key in keys]))
    assert found is not None
    assert found.sample == 3
    shown = {one.image for row in found.nearest for one in (row.image, row.by_pixels, row.by_eyes)}
    assert list(known)[2] not in shown


@pytest.mark.parametrize("paths", [(), (("1", "11"),)])
def test_fewer_than_two_images_are_not_looked_at(paths: tuple[tuple[str, ...], ...], tmp_path: Path) -> None:
    def see(keys: Sequence[str]) -> np.ndarray:
        raise AssertionError(keys)

    assert nearest_images(written(tmp_path, *paths), see) is None
    assert nearest_images(written(tmp_path / "x", *PATHS, images=False), see) is None


def test_the_report_shows_both_beside_each_other(tmp_path: Path) -> None:
    store = written(tmp_path, *PATHS)
    known = turned(store)
    figures = dataset_figures(store, see=lambda keys: np.stack([known[key] for key in keys]))
    report_dataset(figures, tmp_path / "r")
    page = (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    assert page.count("<b>by pixels</b>") == page.count("<b>by eyes</b>") == 4
    assert "for 0% by what a pre-trained network sees" in page
    assert "Look-alikes by eyes" in page
    report_dataset(dataset_figures(store), tmp_path / "without")
    assert "by eyes" not in (tmp_path / "without" / "report.html").read_text(encoding="utf-8")
