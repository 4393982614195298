from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.errors import FormatError, NotFoundError, TaxonomyError
from mep3m.taxonomy import Category, Taxonomy, from_paths

FOOD = Taxonomy(
    (
        Category("5", "食品", "Food"),
        Category("523", "水果", "Fruit", parent="5"),
        Category("640", "苹果", "Apple", parent="523"),
        Category("7", "母婴", "Baby"),
    )
)


def test_a_path_runs_from_the_first_level_down() -> None:
    assert [node.name for node in FOOD.path("640")] == ["食品", "水果", "苹果"]
    assert FOOD.level("640") == 3
    assert [node.id for node in FOOD.leaves()] == ["640", "7"]
    assert [node.id for node in FOOD.at_level(1)] == ["5", "7"]
    assert [node.id for node in FOOD.children(None)] == ["5", "7"]


def test_a_cycle_is_named() -> None:
    with pytest.raises(TaxonomyError, match="a -> b -> a"):
        Taxonomy((Category("a", parent="b"), Category("b", parent="a")))


def test_a_missing_parent_is_named() -> None:
    with pytest.raises(TaxonomyError, match="parent '9'"):
        Taxonomy((Category("1", "水果", parent="9"),))


def test_an_id_that_occurs_twice_is_named() -> None:
    with pytest.raises(TaxonomyError, match="'1' occurs twice"):
        Taxonomy((Category("1", "水果"), Category("1", "肉类")))


def test_an_unknown_id_is_an_error_with_its_value() -> None:
    with pytest.raises(NotFoundError, match="'99'"):
        FOOD["99"]


def test_a_file_that_is_no_taxonomy_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy.json"
    path.write_text('[{"identity": 1}]')
    with pytest.raises(FormatError, match="not a taxonomy file"):
        Taxonomy.load(path)


names = st.text("食品水果肉abc", min_size=1, max_size=3)


@given(st.lists(st.lists(names, min_size=1, max_size=3).map(tuple), max_size=8))
def test_json_round_trip_keeps_the_version(paths: list[tuple[str, ...]]) -> None:
    taxonomy = from_paths(paths)
    again = Taxonomy(tuple(reversed(taxonomy.categories)))
    assert again.version == taxonomy.version
    assert all(" > ".join(path) in taxonomy for path in paths)
