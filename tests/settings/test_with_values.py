"""Settings named by words ('paper.content.binary=true') are those of a nested table."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.errors import SettingsError, UsageError
from mep3m.settings.align import AlignSettings
from mep3m.settings.base import with_values

LEAVES: dict[str, list[str]] = {
    "paper.label_threshold": ["0.25", "0.5", "1"],
    "paper.identical_names": ["true", "false"],
    "paper.content.tokens": ["words", "characters", "ngrams"],
    "paper.content.ngram": ["1", "3", "8"],
    "paper.content.binary": ["true", "false"],
    "evidence.accept": ["0.3", "0.9"],
    "evidence.many_to_one": ["true", "false"],
    "within_first_level": ["auto", "always", "never"],
}
choices = st.dictionaries(st.sampled_from(sorted(LEAVES)), st.integers(0, 2), max_size=6).map(
    lambda picked: {name: LEAVES[name][n % len(LEAVES[name])] for name, n in picked.items()}
)


def nested(values: dict[str, str]) -> dict[str, Any]:
    """Build the table by hand."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        *above, last = name.split(".")
        place = found
        for part in above:
            place = place.setdefault(part, {})
        place[last] = value
    return found


@given(values=choices, order=st.randoms(use_true_random=False))
def test_words_are_a_nested_table_in_any_order(values: dict[str, str], order: Any) -> None:
    texts = [f"{name} = {value}" for name, value in values.items()]
    order.shuffle(texts)
    found = with_values({}, texts)
    assert found == nested(values)
    assert AlignSettings.parse(found, "x") == AlignSettings.parse(nested(values), "x")


@given(values=choices, before=choices)
def test_the_last_word_counts_and_what_was_given_stays(
    values: dict[str, str], before: dict[str, str]
) -> None:
    start = nested(before)
    found = with_values(start, [f"{name}={value}" for name, value in values.items()])
    assert found == nested({**before, **values})
    assert start == nested(before)  # what was given is not written into


def test_a_dash_is_an_underscore_and_a_value_may_hold_an_equals_sign() -> None:
    assert with_values({}, ["paper.label-threshold=1"]) == {"paper": {"label_threshold": "1"}}
    assert with_values({}, ["name=a=b"]) == {"name": "a=b"}


@pytest.mark.parametrize("text", ["paper", "", "=1", " = 1", "paper.content.tokens"])
def test_what_is_no_name_and_value_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write NAME=VALUE"):
        with_values({}, [text])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("paper.content.token=words", "did you mean 'tokens'?"),
        ("papers.label_threshold=1", "did you mean 'paper'?"),
        ("paper.content.ngram=9", "less than or equal to 8"),
        ("paper.identical_names=perhaps", "paper.identical_names"),
        ("evidence.inherit=often", "'auto', 'always' or 'never'"),
        (".=1", "unknown setting"),
    ],
)
def test_a_wrong_name_or_value_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        AlignSettings.parse(with_values({}, [text]), "align propose")
    assert said in str(caught.value)
    assert str(caught.value).startswith("align propose: ")
