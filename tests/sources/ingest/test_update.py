"""A newer export: added, changed, unchanged, withdrawn; killed updates go on."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from mep3m.sources.images import intake
from mep3m.sources.ingest import update
from mep3m.sources.ingest.update import WITHDRAWN
from mep3m.store import Store
from tests.sources.ingest.shop import content, rows, take_in, write_images, write_shop


def second_export(folder: Path) -> Path:
    old = rows(30)
    changed = ("3", "新名", "食品", "", "3.png")
    return write_shop(folder, [*old[:3], changed, *old[4:25], ("77", "新品", "食品", "", "3.png")])


def test_a_newer_export_marks_what_is_gone(tmp_path: Path) -> None:
    images = str(write_images(tmp_path / "images", range(30)))
    path = write_shop(tmp_path, rows(30))
    before = take_in(path, tmp_path / "s", images=images)
    assert second_export(tmp_path) == path
    store = take_in(path, tmp_path / "s", images=images)
    assert store.manifest["update"] == {"added": 1, "changed": 1, "unchanged": 24, "withdrawn": 5}
    products = {product.source_id: product for product in store.products()}
    assert len(products) == 31
    assert products["3"].title == "新名"
    assert products["77"].dropped is None
    assert products["29"].dropped == WITHDRAWN
    assert products["29"].image is not None
    assert store.fingerprint != before.fingerprint
    assert (tmp_path / "s/history" / before.fingerprint / "manifest.json").exists()


def test_only_changed_images_are_taken_in_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = str(write_images(tmp_path / "images", range(30)))
    path = write_shop(tmp_path, rows(30))
    take_in(path, tmp_path / "s", images=images)
    seen = []
    real = intake.examine
    monkeypatch.setattr(intake, "examine", lambda content, limits: seen.append(1) or real(content, limits))
    second_export(tmp_path)
    update.known_images.cache_clear()
    store = take_in(path, tmp_path / "s", images=images)
    assert len(seen) == 1
    assert all(product.image for product in store.products())


def test_a_returning_product_is_back(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(10))
    take_in(path, tmp_path / "s")
    write_shop(tmp_path, rows(5))
    take_in(path, tmp_path / "s")
    write_shop(tmp_path, rows(9))
    store = take_in(path, tmp_path / "s")
    dropped = [product.source_id for product in store.products() if product.dropped]
    assert dropped == ["9"]
    assert len(list(store.products())) == 10


@pytest.mark.parametrize("steps", range(1, 12))
def test_an_update_killed_while_it_takes_its_place_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    for name in ("whole", "cut"):
        take_in(write_shop(tmp_path / "in", rows(10)), tmp_path / name)
    path = write_shop(tmp_path / "in", rows(6))
    take_in(path, tmp_path / "whole")
    real_rename, real_replace, left = Path.rename, Path.replace, [steps]

    def limited(real: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        def move(self: Path, target: Path) -> Path:
            if "update" in self.parts or "history" in Path(target).parts:
                left[0] -= 1
                if left[0] < 0:
                    raise KeyboardInterrupt
            return real(self, target)

        return move

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", limited(real_rename))
        patch.setattr(Path, "replace", limited(real_replace))
        with contextlib.suppress(KeyboardInterrupt):
            take_in(path, tmp_path / "cut")
    take_in(path, tmp_path / "cut")
    assert content(tmp_path / "cut") == content(tmp_path / "whole")
    assert Store.open(tmp_path / "cut").rows == 10
