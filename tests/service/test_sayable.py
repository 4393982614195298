"""What a wrong request held is said back, and can always be said."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.assignment.run import Run
from mep3m.service.service import sayable
from tests.service.clients import serving

ANY_TEXT = st.text(st.characters())  # half characters (lone surrogates) too
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_whatever_json_can_hold_can_be_answered(value: Any) -> None:
    said = sayable(value)
    assert orjson.loads(orjson.dumps(said)) == said
    assert sayable(said) == said


@given(
    st.recursive(
        st.text(st.characters(exclude_categories=["Cs"])) | st.integers() | st.none(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
        ),
    )
)
def test_what_can_be_said_stays_what_it_is(value: Any) -> None:
    assert sayable(value) == value


@given(st.lists(ANY_TEXT, max_size=5))
def test_only_half_characters_are_replaced_one_by_one(texts: list[str]) -> None:
    for text, said in zip(texts, sayable(tuple(texts)), strict=True):
        assert len(said) == len(text)
        assert all(b == ("?" if "\ud800" <= a <= "\udfff" else a) for a, b in zip(text, said, strict=True))


@pytest.mark.parametrize(
    "body",
    ['{"products": [{"title": "\\ud800"}]}', '{"products": [{"\\udfff": 1}]}', '{"products": "\\ud83d"}',
     '{"\\ud800": {"\\ud800": ["\\ud800"]}}', '{"products": [{"title": 1, "id": "\\udc00\\ud800"}]}'],
    ids=["a title", "a name", "instead of a list", "deep", "the wrong way round"],
)  # fmt: skip
def test_half_a_character_in_a_request_is_refused_in_words(run_folder: Path, body: str) -> None:
    with serving(Run.open(run_folder)) as client:
        headers = {"content-type": "application/json"}
        told = client.post("/assign", content=body.encode(), headers=headers)
        assert told.status_code in (200, 422)
        json.loads(told.content.decode("utf-8"))
        if told.status_code == 422:
            assert told.json()["detail"]
        assert client.post("/assign", json={"products": [{"title": "苹果"}]}).status_code == 200
