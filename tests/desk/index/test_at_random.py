"""Any question and any filters against a plain loop over the products: the index finds the same ones."""

import random
import sqlite3
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.desk.index.filters import ProductFilters
from mep3m.desk.index.index import PAGE, IndexedCategory, StoreIndex
from mep3m.product import Label, Product
from mep3m.taxonomy import Category, Taxonomy
from tests.desk.index.drawn import indexed, stored

#: characters that begin, end and join words in different ways
LETTERS = "茶绿乌龙aAbＢ1２,.\"'*-_（ 　\t\x00éßİ한カ\U00020000،م"
TREE = Taxonomy(
    (
        Category("food", "食品"),
        Category("tea", "茶叶", None, "food"),
        Category("green", "绿茶", None, "tea"),
        Category("phone", "手机"),
    )
)
PATHS: list[tuple[str | None, ...]] = [
    (), ("food",), ("food", "tea"), ("food", "tea", "green"), ("phone",), (None, "tea"), ("stray",),
]  # fmt: skip
ORIGINS = ["given", "mapped", "predicted", "reviewed"]
SOME = settings(max_examples=50, deadline=None)


def drawn(count: int = 240) -> list[Product]:
    """Return products of every kind that a filter tells apart, the same ones in every run."""
    draw = random.Random(11)
    found = []
    for n in range(count):
        title, ocr = ("".join(draw.choices(LETTERS, k=draw.randrange(1, 9))) for _ in range(2))
        labels = tuple(Label(name, draw.choice(ORIGINS), "x") for name in draw.choice(PATHS))  # type: ignore[arg-type]
        source = draw.choice("st")
        image, dropped = draw.choice([None, "a" * 64]), draw.choice([None, None, None, "blank_image", "dup"])
        group = draw.choice([None, str(n % 30), f"alone {n}"])
        found.append(
            Product(
                f"{source}:{n}", source, str(n), (), draw.choice([None, title, title]),
                draw.choice([None, ocr]), image, labels=labels, group=group, dropped=dropped,
            )
        )  # fmt: skip
    return found


PRODUCTS = drawn()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> StoreIndex:
    folder = tmp_path_factory.mktemp("index")
    return indexed(stored(folder / "store", PRODUCTS, TREE), folder / "index.sqlite")


@cache
def runs(text: str) -> list[tuple[bool, str]]:
    """Return the runs of letters of a text, and whether each is of a script without spaces."""
    found: list[tuple[bool, str]] = []
    before: bool | None = None
    for letter in unicodedata.normalize("NFKC", text).casefold():
        name = unicodedata.name(letter, "")
        kind = name.startswith(("CJK", "KATAKANA", "HANGUL SYLLABLE")) if letter.isalnum() else None
        if kind is not None and kind == before:
            found[-1] = kind, found[-1][1] + letter
        elif kind is not None:
            found.append((kind, letter))
        before = kind
    return found


def holds(product: Product, asked: str) -> bool:
    """Say whether a product holds all of a question."""
    there = [*runs(product.title or ""), *runs(product.ocr or "")]
    wanted = runs(asked)
    for place, (close, word) in enumerate(wanted):
        last = place == len(wanted) - 1 and not asked[-1].isspace()
        if close:
            found = any(kind and word in run for kind, run in there)
        else:
            found = any(not kind and (run.startswith(word) if last else run == word) for kind, run in there)
        if not found:
            return False
    return bool(wanted)


def is_below(category: str | None, above: str) -> bool:
    while category is not None and category != above:
        category = TREE[category].parent if category in TREE else None
    return category == above


def passes(product: Product, filters: ProductFilters) -> bool:
    """Say whether a product passes, filter by filter."""
    known = [label.category for label in product.labels if label.category is not None]
    deepest = known[-1] if known else None
    origins = {label.origin for label in product.labels if label.category is not None}
    group = sum(product.group is not None and other.group == product.group for other in PRODUCTS) > 1
    quality = {"kept": product.dropped is None, "dropped": product.dropped is not None, "all": True}
    asked = {
        "q": not filters.q.strip() or holds(product, filters.q),
        "category": not filters.category or is_below(deepest, filters.category),
        "platform": filters.platform in ("", product.source),
        "level": filters.level in ("", str(len(product.labels) if known else 0)),
        "quality": quality.get(filters.quality, product.dropped == filters.quality),
        "origin": not filters.origin or (filters.origin in origins if origins else filters.origin == "none"),
    }
    said = {"image": product.image, "ocr": product.ocr, "twins": group or None}
    yes_no = (
        getattr(filters, name) in ("", "no" if value is None else "yes") for name, value in said.items()
    )
    return all(asked.values()) and all(yes_no)


def walk(index: StoreIndex, filters: ProductFilters, back: bool = False) -> list[int]:
    """Return the rows of all pages, in their order, from the first on or from the last back."""
    found: list[int] = []
    step = {"before": 2**40} if back else {"after": 0}
    while True:
        page = index.find(filters.model_copy(update=step))
        rows = [row for row, _ in page.products]
        found = rows + found if back else found + rows
        if not (page.before if back else page.after):
            return found
        step = {"before": rows[0]} if back else {"after": rows[-1]}


def expected(filters: ProductFilters) -> list[int]:
    return [row for row, product in enumerate(PRODUCTS, start=1) if passes(product, filters)]


@SOME
@given(asked=st.text(LETTERS, min_size=1, max_size=6))
def test_what_is_typed_finds_the_products_that_hold_it(index: StoreIndex, asked: str) -> None:
    filters = ProductFilters(q=asked, quality="all")
    assert walk(index, filters) == expected(filters)


@SOME
@given(place=st.integers(0, len(PRODUCTS) - 1), cut=st.tuples(st.integers(0, 8), st.integers(1, 8)))
def test_every_part_of_a_title_of_one_script_finds_its_product(
    index: StoreIndex, place: int, cut: tuple[int, int]
) -> None:
    words = [word for close, word in runs(PRODUCTS[place].title or "") if close]
    for word in words:
        if part := word[cut[0] : sum(cut)]:
            assert place + 1 in walk(index, ProductFilters(q=part, quality="all"))


@SOME
@given(asked=st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_nothing_that_is_typed_is_an_error(index: StoreIndex, asked: str) -> None:
    page = index.find(ProductFilters(q=asked))
    assert page.total >= len(page.products)
    assert len(index.suggest(asked)) <= 4


CHOICES = st.builds(
    ProductFilters,
    q=st.sampled_from(["", "", "", "茶", "a", "乌"]),
    category=st.sampled_from(["", "", "food", "tea", "green", "phone", "stray", "none such"]),
    platform=st.sampled_from(["", "", "s", "t", "u"]),
    level=st.sampled_from(["", "", "0", "1", "2", "3", "999"]),
    quality=st.sampled_from(["kept", "all", "dropped", "dup", "blank_image", "no such"]),
    origin=st.sampled_from(["", "", "none", *ORIGINS]),
    twins=st.sampled_from(["", "", "yes", "no"]),
    image=st.sampled_from(["", "", "yes", "no"]),
    ocr=st.sampled_from(["", "", "yes", "no"]),
)


@SOME
@given(filters=CHOICES)
def test_any_filters_find_what_a_loop_finds(index: StoreIndex, filters: ProductFilters) -> None:
    found = expected(filters)
    assert walk(index, filters) == found
    assert index.find(filters).total == len(found)


@settings(max_examples=25, deadline=None)
@given(filters=CHOICES)
def test_pages_backwards_are_those_forwards(index: StoreIndex, filters: ProductFilters) -> None:
    assert walk(index, filters, back=True) == walk(index, filters)


@pytest.mark.parametrize("first", [1, PAGE, len(PRODUCTS)])
def test_a_page_behind_or_before_the_ends_is_empty_and_says_so(index: StoreIndex, first: int) -> None:
    everything = ProductFilters(quality="all")
    before = index.find(everything.model_copy(update={"before": first}))
    assert [row for row, _ in before.products] == list(range(max(1, first - PAGE), first))
    behind = index.find(everything.model_copy(update={"after": len(PRODUCTS) + first}))
    assert (behind.products, behind.after, behind.before) == ((), False, True)


def test_numbers_beside_filters_are_what_the_filters_find(index: StoreIndex) -> None:
    for kind, field in (("platform", "platform"), ("level", "level"), ("origin", "origin")):
        for name, rows in index.names(kind):
            assert rows == len(expected(ProductFilters(**{field: name})))
    for name, rows in index.names("dropped"):
        assert rows == len(expected(ProductFilters(quality=name)))
    for node in _everywhere(index):
        assert node.below == len(expected(ProductFilters(category=node.id)))


def _everywhere(index: StoreIndex) -> Iterator[IndexedCategory]:
    waiting = index.children(0)
    while waiting:
        node = waiting.pop()
        below = index.children(node.number)
        assert all(one.below >= other.below for one, other in pairwise(below))
        waiting += below
        yield node


def test_many_threads_ask_one_index(index: StoreIndex) -> None:
    everything = ProductFilters(quality="all")
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: walk(index, everything), range(24)))
    assert found == [expected(everything)] * 24


def test_an_index_cannot_be_written_through_its_questions(index: StoreIndex) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        index._read.execute("DELETE FROM products")


def test_groups_are_told_from_any_of_their_products(index: StoreIndex) -> None:
    for row, product in enumerate(PRODUCTS, start=1):
        same = [n for n, other in enumerate(PRODUCTS, 1) if product.group and other.group == product.group]
        twins, total = index.twins(row)
        assert ([n for n, _ in twins], total) == ((same, len(same)) if len(same) > 1 else ([], 0))
