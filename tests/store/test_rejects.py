"""Quarantine: what was refused is kept as it was said, and a long value is cut with its length."""

from dataclasses import asdict, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.store.rejects import REJECT_SCHEMA, VALUE_LIMIT, Reject, image_reject, rejects_table

TEXT = st.none() | st.text(st.characters(blacklist_categories=["Cs"]), max_size=9)
REJECT = st.builds(
    Reject, st.sampled_from(["ingest", "images"]), st.text("ab"), st.text("why "), TEXT, TEXT,
    st.none() | st.integers(0, 2**40), TEXT, TEXT,
)  # fmt: skip


@given(st.lists(REJECT, max_size=5))
def test_every_field_comes_back_from_the_table(rejects: list[Reject]) -> None:
    table = rejects_table(rejects)
    assert table.schema == REJECT_SCHEMA
    assert [Reject(**row) for row in table.to_pylist()] == rejects


def test_the_schema_has_the_fields_of_a_reject() -> None:
    assert set(REJECT_SCHEMA.names) == {field.name for field in fields(Reject)}


@pytest.mark.parametrize("length", [VALUE_LIMIT - 1, VALUE_LIMIT, VALUE_LIMIT + 1, 5_000, 2_000_000])
def test_a_value_is_never_longer_than_the_limit(length: int) -> None:
    (row,) = rejects_table([Reject("ingest", "s", "r", value="茶" * length)]).to_pylist()
    assert len(row["value"]) == min(length, VALUE_LIMIT)
    if length > VALUE_LIMIT:
        assert row["value"].endswith(f"… ({length:,} characters)")
        assert row["value"].startswith("茶" * 400)


def test_an_image_that_a_stage_refused_names_its_product_and_place() -> None:
    row = {"id": "s:1", "source": "s", "image": "ab12", "file": "a.csv", "line": 7, "title": "茶"}
    found = asdict(image_reject("ocr", row, "broken"))
    assert found == {
        "stage": "ocr", "source": "s", "reason": "broken", "product": "s:1", "file": "a.csv", "line": 7,
        "field": "image", "value": "ab12",
    }  # fmt: skip
