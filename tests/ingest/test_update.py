"""A newer export: added, changed, unchanged, withdrawn; killed updates go on."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mep3m.engine import make_engine
from mep3m.errors import InputError
from mep3m.ingest import update
from mep3m.ingest.run import ingest
from mep3m.ingest.update import WITHDRAWN
from mep3m.settings.sources import Columns, SourceEntry
from mep3m.sources.images import intake
from mep3m.store import Store
from tests.ingest.shop import content, picture, rows, take_in, write_images, write_shop


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


def test_an_export_that_has_become_empty_withdraws_everything_and_loses_nothing(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(6))
    take_in(path, tmp_path / "s")
    write_shop(tmp_path, [])
    store = take_in(path, tmp_path / "s")
    assert {product.dropped for product in store.products()} == {WITHDRAWN}
    assert store.manifest["update"] == {"added": 0, "changed": 0, "unchanged": 0, "withdrawn": 6}
    write_shop(tmp_path, rows(6))
    assert not [product for product in take_in(path, tmp_path / "s").products() if product.dropped]


def test_an_export_that_was_empty_fills_the_store(tmp_path: Path) -> None:
    path = write_shop(tmp_path, [])
    assert take_in(path, tmp_path / "s").rows == 0
    write_shop(tmp_path, rows(3))
    store = take_in(path, tmp_path / "s")
    assert store.manifest["update"] == {"added": 3, "changed": 0, "unchanged": 0, "withdrawn": 0}


def test_an_image_at_the_same_address_is_taken_for_the_same_and_a_new_file_is_not(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", range(3))
    path = write_shop(tmp_path, rows(3))
    before = {
        row.source_id: row.image for row in take_in(path, tmp_path / "s", images=str(images)).products()
    }
    time.sleep(0.01)
    (images / "1.png").write_bytes(picture(77))
    write_shop(tmp_path, [*rows(3), ("9", "新", "食品", "", "0.png")])
    update.known_images.cache_clear()
    after = {row.source_id: row.image for row in take_in(path, tmp_path / "s", images=str(images)).products()}
    assert after["0"] == before["0"] == after["9"]
    assert after["1"] != before["1"]


def test_the_state_before_stays_in_the_history_with_its_own_images(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", range(4))
    path = write_shop(tmp_path, rows(4))
    first = take_in(path, tmp_path / "s", images=str(images))
    old = [row.title for row in first.products()]
    write_shop(tmp_path, [("0", "另一个", "食品", "", "0.png")])
    take_in(path, tmp_path / "s", images=str(images))
    kept = Store(tmp_path / "s" / "history" / first.fingerprint, first.manifest)
    assert [row.title for row in kept.products()] == old


@pytest.mark.parametrize("left", [0, 1, 4])
def test_an_export_that_lacks_too_much_is_held_until_it_is_confirmed(tmp_path: Path, left: int) -> None:
    path = write_shop(tmp_path, rows(10))
    take_in(path, tmp_path / "s")
    before = content(tmp_path / "s")
    write_shop(tmp_path, rows(left))
    words = rf"'shop': the newer export lacks {10 - left} of 10 products .*--max-withdrawn 1"
    for _ in range(2):
        with pytest.raises(InputError, match=words):
            take_in(path, tmp_path / "s", max_withdrawn=0.5)
    assert {name: value for name, value in content(tmp_path / "s").items() if "update" not in name} == before
    store = take_in(path, tmp_path / "s", max_withdrawn=1.0)
    assert store.manifest["update"]["withdrawn"] == 10 - left
    assert not (tmp_path / "s/update").exists()


def test_an_export_that_is_whole_again_is_taken_after_one_that_was_held(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(10))
    take_in(path, tmp_path / "s")
    write_shop(tmp_path, [])
    with pytest.raises(InputError, match="nothing was changed"):
        take_in(path, tmp_path / "s", max_withdrawn=0.5)
    write_shop(tmp_path, rows(9))
    store = take_in(path, tmp_path / "s", max_withdrawn=0.5)
    assert store.manifest["update"]["withdrawn"] == 1


def test_half_may_go_by_default_and_the_share_is_of_what_was_alive(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(8))
    take_in(path, tmp_path / "s")
    for count in (4, 2, 1):
        write_shop(tmp_path, rows(count))
        assert take_in(path, tmp_path / "s", max_withdrawn=0.5).manifest["update"]["withdrawn"] == count


@pytest.mark.parametrize(
    ("newer", "columns", "told"),
    [
        ("shop-2.csv", Columns(title="title"), True),
        ("other.csv", Columns(title="title", labels=("c",)), True),
        ("shop-2.csv", Columns(id="id", title="title"), False),
    ],
)
def test_rows_without_ids_under_another_name_are_held_and_the_message_says_why(
    tmp_path: Path, newer: str, columns: Columns, told: bool
) -> None:
    rows = [f"{n},title {n},c" for n in range(4)]
    later = rows if told else [f"9{row}" for row in rows]
    for name, lines in (("shop.csv", rows), (newer, later)):
        (tmp_path / name).write_text("\n".join(["id,title,c", *lines]) + "\n")
    entry = SourceEntry(name="shop", path="shop.csv", columns=columns)
    ingest([entry], tmp_path, tmp_path / "s", make_engine())
    with pytest.raises(InputError, match=r"lacks 4 of 4 products") as caught:
        ingest([entry.model_copy(update={"path": newer})], tmp_path, tmp_path / "s", make_engine())
    assert ("keep the name from export to export, or name an id column" in str(caught.value)) == told
