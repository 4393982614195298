"""A few titles and pictures of each category."""

from pathlib import Path

from mep3m.product import Product, to_table
from mep3m.statistics.samples import category_samples
from mep3m.store import Plan, Store, StoreWriter


def store(folder: Path) -> Store:
    writer = StoreWriter.begin(folder, Plan("ingest", {}, ("1", "2")))
    rows = [
        Product(f"a{n}", "a", str(n), ("茶",), f"茶 {n % 7}", image=f"{n % 3:064x}" if n % 2 else None)
        for n in range(40)
    ]
    rows += [Product("b1", "b", "1", ("茶",), None), Product("b2", "b", "2", (), "x")]
    rows.append(Product("b3", "b", "3", ("茶",), "short", dropped="short title"))
    writer.write(0, to_table(rows[::2]))
    writer.write(1, to_table(rows[1::2]))
    return writer.finish()


def test_titles_and_pictures_are_distinct_and_few(tmp_path: Path) -> None:
    made = category_samples(store(tmp_path / "s"))
    assert set(made) == {("a", ("茶",)), ("b", ("茶",)), ("b", ())}
    tea = made["a", ("茶",)]
    assert len(tea.titles) == len(set(tea.titles)) == 5
    assert len(tea.images) == len(set(tea.images)) == 3
    assert made["b", ()].titles == ("x",)


def test_dropped_rows_and_missing_titles_are_no_samples(tmp_path: Path) -> None:
    made = category_samples(store(tmp_path / "s"))["b", ("茶",)]
    assert (made.titles, made.images) == ((), ())


def test_the_samples_are_the_same_every_time(tmp_path: Path) -> None:
    one = store(tmp_path / "s")
    assert category_samples(one) == category_samples(one)
    assert len(category_samples(one, 2)["a", ("茶",)].titles) == 2
