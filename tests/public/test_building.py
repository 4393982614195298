"""Catalogues into a store, and errors of projects and shops."""

from pathlib import Path

import pytest

import mep3m
from mep3m.errors import NotFoundError, SettingsError, UsageError


def test_a_catalogue_becomes_a_store_and_goes_on(table_file: Path, tmp_path: Path) -> None:
    given = {"title": "title", "labels": ["kind", "sort"], "id": "sku", "name": "shop"}
    store = mep3m.ingest_catalogue(str(table_file), str(tmp_path / "store"), **given)
    assert (store.rows, len(store.rejects())) == (60, 0)
    products = mep3m.load(store.folder)
    assert products.statistics().platforms == {"shop": 60}
    with table_file.open("a", encoding="utf-8") as file:
        file.write("new\t新茶\t食品\t茶\nbroken\n")
    store = mep3m.ingest_catalogue(table_file, tmp_path / "store", **given)
    assert (store.rows, len(store.rejects())) == (61, 1)


def test_what_is_not_there_is_said(table_file: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no column 'titel' \(did you mean 'title'"):
        mep3m.ingest_catalogue(table_file, tmp_path / "store", title="titel")
    with pytest.raises(UsageError, match=r"no option 'formt'"):
        mep3m.ingest_catalogue(table_file, tmp_path / "store", formt="csv")  # type: ignore[call-arg]
    with pytest.raises(NotFoundError, match="no project file"):
        mep3m.build(tmp_path / "mep3m.toml", tmp_path / "out")
    with pytest.raises(SettingsError, match="did you mean 'duplicates'"):
        mep3m.simulate(tmp_path / "world", duplicate=0.1)


def test_a_simulation_is_the_same_with_the_same_seed(tmp_path: Path) -> None:
    worlds = [mep3m.simulate(str(tmp_path / name), products=30, images=False, seed=7) for name in "ab"]
    first, second = (world.catalogue(world.platforms[0]).read_bytes() for world in worlds)
    assert first == second
