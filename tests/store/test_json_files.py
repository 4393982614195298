"""JSON and its errors, and fingerprints."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.errors import FormatError, NotFoundError
from mep3m.store.json_files import fingerprint, key_of, read_json, write_json

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@given(value=json_values)
def test_json_comes_back_as_it_was_written(folder: Path, value: object) -> None:
    write_json(folder / "value.json", value)
    assert read_json(folder / "value.json") == value


@given(value=st.dictionaries(st.text(max_size=5), st.integers(0, 9), min_size=2, max_size=6))
def test_the_order_of_keys_changes_neither_bytes_nor_fingerprint(folder: Path, value: dict[str, int]) -> None:
    turned = dict(reversed(value.items()))
    write_json(folder / "one.json", value)
    write_json(folder / "two.json", turned)
    assert (folder / "one.json").read_bytes() == (folder / "two.json").read_bytes()
    assert fingerprint(value) == fingerprint(turned)


@given(one=json_values, two=json_values)
def test_fingerprints_are_equal_exactly_when_the_values_are(one: object, two: object) -> None:
    same = one == two and repr(one) == repr(two)  # True == 1 in Python, not in JSON
    if same or one != two:
        assert (fingerprint(one) == fingerprint(two)) == same
    assert len(fingerprint(one)) == 16
    assert int(fingerprint(one), 16) >= 0


def test_a_fingerprint_takes_paths_and_numbers_as_keys() -> None:
    assert fingerprint({1: Path("a")}) == fingerprint({1: Path("a")})
    assert fingerprint(Path("a")) != fingerprint(Path("b"))


def test_a_list_is_not_its_reverse() -> None:
    assert fingerprint([1, 2]) != fingerprint([2, 1])


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"{", "is not JSON"), (b"", "is not JSON"), (b"\xff\xfe", "is not JSON"), (b"{'a': 1}", "is not JSON")],
)
def test_what_is_no_json_names_the_file(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "bad.json").write_bytes(content)
    with pytest.raises(FormatError, match=rf"bad\.json {message}"):
        read_json(tmp_path / "bad.json")


def test_a_missing_json_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"none\.json does not exist"):
        read_json(tmp_path / "none.json")


def test_a_text_has_one_key_for_ever() -> None:
    """Runs keep what they were trained on, and desks what came, by these numbers."""
    assert key_of("红富士苹果") == -1706098038220326617


@given(one=st.text(st.characters(codec="utf-8")), two=st.text(st.characters(codec="utf-8")))
def test_keys_are_signed_numbers_of_64_bits_that_tell_texts_apart(one: str, two: str) -> None:
    assert -(2**63) <= key_of(one) < 2**63
    assert (key_of(one) == key_of(two)) == (one == two)
