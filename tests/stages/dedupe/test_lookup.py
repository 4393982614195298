from pathlib import Path

import pytest

from mep3m.engine import make_engine
from mep3m.errors import StoreError, UsageError
from mep3m.product import Product
from mep3m.settings.dedupe import DedupeSettings
from mep3m.settings.quality import QualitySettings
from mep3m.stages.base import run_stage
from mep3m.stages.dedupe.lookup import DuplicateIndex, find_duplicates
from mep3m.stages.dedupe.stage import DedupeStage
from mep3m.stages.quality.stage import QualityStage
from mep3m.store import Store
from tests.stages.dedupe.test_stage import grouped

__all__ = ["grouped"]


def some_product(store: Store) -> Product:
    return next(p for p in store.products() if p.title and len(p.title) > 25 and p.image and not p.dropped)


def test_a_product_finds_itself(grouped: Store) -> None:
    index = DuplicateIndex.open(grouped)
    for product in list(grouped.products())[:60]:
        if product.dropped or not product.title:
            continue
        found = {one.id: one for one in index.find(product.title)}
        assert found[product.id].reason == "same_title"
        assert found[product.id].similarity == pytest.approx(1.0)


def test_an_edited_title_is_found(grouped: Store) -> None:
    product = some_product(grouped)
    found = find_duplicates(grouped, f"【限时】{product.title} 包邮")
    assert next(one for one in found if one.id == product.id).reason == "near_title"
    assert find_duplicates(grouped, "没有任何店铺卖过的东西在这里随便写写") == []


def test_an_image_is_found_by_its_bytes_and_by_what_it_shows(grouped: Store) -> None:
    product = some_product(grouped)
    assert product.image is not None
    content = grouped.images.read(product.image)
    same = next(one for one in find_duplicates(grouped, None, content) if one.id == product.id)
    assert (same.reason, same.distance) == ("same_image", 0)
    # other bytes, same picture: the title must be alike, too
    reworded = " ".join(reversed([product.title[i : i + 9] for i in range(0, len(product.title or ""), 9)]))  # type: ignore[index]
    near = find_duplicates(grouped, reworded, content + b"\0", DedupeSettings(near_title=None))
    assert product.id in {one.id for one in near if one.reason == "near_image"}
    assert product.id not in {one.id for one in find_duplicates(grouped, "别的东西", content + b"\0")}


def test_a_later_step_uses_the_index_of_its_line(grouped: Store) -> None:
    later = run_stage(
        QualityStage(QualitySettings(min_title=None)),
        grouped,
        grouped.folder.parent / "4-later",
        make_engine(),
    )
    assert not (later.folder / "decision").exists()
    product = some_product(later)
    index = DuplicateIndex.open(later)
    assert "mmap" in str(type(index.title)).lower()
    assert product.id in {one.id for one in index.find(product.title)}


def test_a_store_that_was_never_grouped_is_hashed_on_the_spot(shop_store: Store, tmp_path: Path) -> None:
    product = some_product(shop_store)
    assert product.id in {one.id for one in find_duplicates(shop_store, product.title)}


def test_an_index_of_another_store_is_refused(shop_store: Store, tmp_path: Path) -> None:
    store = run_stage(DedupeStage(DedupeSettings()), shop_store, tmp_path / "out", make_engine())
    broken = Store(store.folder, {**store.manifest, "rows": store.rows + 1})
    with pytest.raises(StoreError, match="run 'mep3m build' again"):
        DuplicateIndex.open(broken)


def test_a_product_without_anything_is_refused(grouped: Store) -> None:
    with pytest.raises(UsageError, match="title or an image"):
        find_duplicates(grouped, None)


def test_a_store_of_an_earlier_version_is_to_be_grouped_again(shop_store: Store, tmp_path: Path) -> None:
    old = run_stage(DedupeStage(DedupeSettings()), shop_store, tmp_path / "old", make_engine())
    index = old.folder / "decision" / "index"
    (index / "perceptual_hash.npy").rename(index / "look.npy")
    with pytest.raises(StoreError, match=r"written by an earlier version .* run 'mep3m dedupe STORE --out"):
        find_duplicates(old, "茶")
