from hypothesis import given
from hypothesis import strategies as st

from mep3m.product import PRODUCT_SCHEMA, Label, Product, from_table, to_table

text = st.none() | st.text(max_size=20)
labels = st.builds(
    Label,
    category=st.text(min_size=1, max_size=5),
    origin=st.sampled_from(["given", "mapped", "predicted", "reviewed"]),
    by=st.text(max_size=5),
    confidence=st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0]),
)
products = st.builds(
    Product,
    id=st.text(min_size=1, max_size=8),
    source=st.text(max_size=5),
    source_id=st.text(max_size=5),
    source_path=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    title=text,
    ocr=text,
    image=text,
    image_width=st.none() | st.integers(0, 10_000),
    labels=st.lists(labels, max_size=3).map(tuple),
    dropped=text,
    line=st.none() | st.integers(1, 10**12),
)


@given(st.lists(products, max_size=5))
def test_products_survive_the_round_trip_through_arrow(rows: list[Product]) -> None:
    table = to_table(rows)
    assert table.schema.equals(PRODUCT_SCHEMA)
    assert list(from_table(table)) == rows


def test_category_is_none_below_the_deepest_known_level() -> None:
    product = Product("a", "s", "1", labels=(Label("5", "given", "s"), Label("523", "given", "s")))
    assert [product.category(level) for level in (1, 2, 3)] == ["5", "523", None]
