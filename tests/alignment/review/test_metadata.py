"""Scalars of the metadata: the bytes of earlier versions, read by YAML and by us, whoever wrote them."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mep3m.alignment.review.metadata import read_metadata, yaml_text

#: what people's folders, titles and addresses hold
texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12)


@given(texts)
def test_a_text_is_the_same_in_yaml(text: str) -> None:
    assert yaml.safe_load(f"key: {yaml_text(text)}") == {"key": text}
    assert read_metadata([f"#key: {yaml_text(text)}"]) == {"key": text}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("golden", "golden"),
        ("shop a.tsv", "shop a.tsv"),
        ("商店 A.tsv", "商店 A.tsv"),
        ("https://w3id.org/sssom/license/unspecified", "https://w3id.org/sssom/license/unspecified"),
        ("../trees/a.tsv", '"../trees/a.tsv"'),
        ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
        ("a, b", '"a, b"'),
        ("yes", '"yes"'),
        ("Null", '"Null"'),
        ("y", '"y"'),
        ("end:", '"end:"'),
        ("end ", '"end "'),
        ("", '""'),
        ("12", '"12"'),
        ('a "b" \\c', '"a \\"b\\" \\\\c"'),
        ("《茶》", '"《茶》"'),
    ],
)
def test_the_bytes_are_those_of_earlier_versions(text: str, written: str) -> None:
    assert yaml_text(text) == written
    assert written in (text, json.dumps(text, ensure_ascii=False))


def test_what_sssom_py_writes_is_read() -> None:
    """It dumps the whole set: keys sorted, long texts folded at 80 characters, its own quotes."""
    values = {
        "curie_map": {"semapv": "https://w3id.org/semapv/vocab/", "a": "https://example.org/a/"},
        "license": "https://w3id.org/sssom/license/unspecified",
        "mapping_set_title": "a title that goes on: " + "and on " * 20,
        "mep3m_left": "../shops/it's a.tsv",
        "mep3m_right": "12",
    }
    comments = ["#" + line for line in yaml.safe_dump(values).splitlines()]
    assert len(comments) > len(values) + 2  # folded
    assert read_metadata(comments) == {
        key: value.strip() if key == "mapping_set_title" else value
        for key, value in values.items()
        if isinstance(value, str)
    } | {"mapping_set_title": values["mapping_set_title"]}


@pytest.mark.parametrize(
    "damage",
    ["# a: note: of", '#mep3m_right: "../cut', "#- a list", "#\tx", "#{", "#a note", "#key: [1", "#&a *b"],
)
def test_a_line_that_is_no_yaml_hides_only_itself(damage: str) -> None:
    values = read_metadata([damage, "#mep3m_left: a.tsv", '#mapping_set_title: "x"', damage])
    assert (values["mep3m_left"], values["mapping_set_title"]) == ("a.tsv", "x")
    assert "mep3m_right" not in values


def test_no_lines_and_nested_values_are_no_scalars() -> None:
    assert read_metadata([]) == {}
    assert read_metadata(["#a: [1, 2]", "#b:", "#  c: 1", "#d: 1"]) == {"d": "1"}
