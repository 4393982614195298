"""Any series of exports, repairs and retries: the last export is alive, and nothing that was is lost."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.ingest.retry import retry
from mep3m.ingest.update import WITHDRAWN
from mep3m.store import Store
from mep3m.store.ledger import Ledger
from tests.ingest.shop import Row, content, take_in, write_images, write_shop

#: an export: number of a product -> version of its title
EXPORT = st.dictionaries(st.integers(0, 9), st.integers(0, 2), min_size=1, max_size=7)
FEW = settings(max_examples=12)


def rows(export: dict[int, int]) -> list[Row]:
    return [(str(n), f"商品 {n} 版 {version}", "食品", "", "") for n, version in sorted(export.items())]


def alive(store: Store) -> dict[int, str | None]:
    return {int(row.source_id): row.title for row in store.products() if row.dropped is None}


@FEW
@given(st.lists(EXPORT, min_size=1, max_size=4))
def test_after_any_series_of_exports_the_last_one_is_alive_and_every_product_is_there_once(
    tmp_path_factory: pytest.TempPathFactory, exports: list[dict[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("u")
    seen: set[int] = set()
    previous: dict[int, int] = {}
    for number, export in enumerate(exports):
        store = take_in(write_shop(folder, rows(export)), folder / "s")
        if number and export != previous:
            counts = store.manifest["update"]
            shared = export.keys() & previous.keys()
            assert counts == {
                "added": len(export.keys() - previous.keys()),
                "changed": sum(export[key] != previous[key] for key in shared),
                "unchanged": sum(export[key] == previous[key] for key in shared),
                "withdrawn": len(previous.keys() - export.keys()),
            }
        seen |= export.keys()
        previous = export
        assert alive(store) == {n: f"商品 {n} 版 {version}" for n, version in export.items()}
        ids = [row.source_id for row in store.products()]
        assert sorted(map(int, ids)) == sorted(seen)
        gone = {row.dropped for row in store.products() if int(row.source_id) not in export}
        assert gone <= {WITHDRAWN}


@FEW
@given(EXPORT, EXPORT)
def test_going_back_to_an_earlier_export_brings_its_products_back(
    tmp_path_factory: pytest.TempPathFactory, one: dict[int, int], two: dict[int, int]
) -> None:
    folder = tmp_path_factory.mktemp("u")
    first = alive(take_in(write_shop(folder, rows(one)), folder / "s"))
    take_in(write_shop(folder, rows(two)), folder / "s")
    assert alive(take_in(write_shop(folder, rows(one)), folder / "s")) == first


def broken(good: Sequence[Row], at: set[int]) -> list[Row]:
    """Return the rows with those at some places cut to two cells, so that they are refused."""
    return [row[:2] if place in at else row for place, row in enumerate(good)]  # type: ignore[misc]


@FEW
@given(st.integers(4, 12), st.data())
def test_repaired_rows_come_in_and_the_rest_stays_refused(
    tmp_path_factory: pytest.TempPathFactory, count: int, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("r")
    places = st.sets(st.integers(0, count - 1), max_size=count)
    bad = data.draw(places)
    still = data.draw(places) & bad
    good = rows(dict.fromkeys(range(count), 0))
    path = write_shop(folder, broken(good, bad))
    store = take_in(path, folder / "s")
    assert (store.rows, store.manifest["rejects"]) == (count - len(bad), len(bad))
    write_shop(folder, broken(good, still))
    counts = retry(folder / "s")
    assert (counts.tried, counts.rows, counts.still_failing) == (len(bad), len(bad - still), len(still))
    again = Store.open(folder / "s")
    assert [int(row.source_id) for row in again.products()] == [n for n in range(count) if n not in still]
    assert again.rejects()["line"].to_pylist() == sorted(place + 2 for place in still)
    states = {
        row["state"]: row["rows"] for row in Ledger.open(folder / "s").counts() if row["stage"] == "ingest"
    }
    assert states == {k: n for k, n in (("done", count - len(still)), ("failed", len(still))) if n}


@FEW
@given(st.integers(3, 9), st.data())
def test_after_every_repair_the_shards_are_those_of_an_export_that_was_never_broken(
    tmp_path_factory: pytest.TempPathFactory, count: int, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("r")
    good = rows(dict.fromkeys(range(count), 0))
    take_in(write_shop(folder / "whole", good), folder / "whole" / "s", part_bytes=10**6)
    bad = data.draw(st.sets(st.integers(0, count - 1)))
    take_in(write_shop(folder / "bad", broken(good, bad)), folder / "bad" / "s", part_bytes=10**6)
    waiting = sorted(bad)
    while waiting:  # one repair after another, a retry after each
        waiting.pop()
        write_shop(folder / "bad", broken(good, set(waiting)))
        retry(folder / "bad" / "s")
    whole, mended = content(folder / "whole" / "s"), content(folder / "bad" / "s")
    shards = [name for name in whole if name.startswith("shards/")]
    assert {name: mended[name] for name in shards} == {name: whole[name] for name in shards}
    assert not [name for name in mended if name.startswith("rejects/")]


@FEW
@given(st.sets(st.integers(0, 7)), st.sets(st.integers(0, 7)))
def test_images_that_come_later_are_taken_in_by_a_retry(
    tmp_path_factory: pytest.TempPathFactory, first: set[int], later: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("i")
    shop = [(str(n), f"商品 {n}", "食品", "", f"{n}.png") for n in range(8)]
    images = write_images(folder / "images", sorted(first))
    store = take_in(write_shop(folder, shop), folder / "s", images=str(images))
    assert {int(row.source_id) for row in store.products() if row.image} == first
    write_images(images, sorted(later))
    counts = retry(folder / "s")
    assert counts.images == len(later - first)
    again = Store.open(folder / "s")
    assert {int(row.source_id) for row in again.products() if row.image} == first | later
    assert again.manifest["rejects"] == 8 - len(first | later)
    for row in again.products():
        if row.image:
            assert again.images.read(row.image) == (images / str(row.image_ref)).read_bytes()
