"""The projects of examples/: each file is one that a build takes, and says where its data comes from."""

from collections import Counter
from pathlib import Path

import pytest

from mep3m.alignment.merging.first_level import from_entries
from mep3m.settings.project import load_project
from mep3m.sources.catalogue import find_format

ROOT = Path(__file__).parents[2]
PROJECTS = sorted((ROOT / "examples").glob("*/mep3m.toml"))


def test_there_are_examples() -> None:
    assert len(PROJECTS) >= 3


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_an_example_is_a_project_with_sources_of_known_formats(path: Path) -> None:
    project = load_project(path)
    for entry in project.sources:
        assert entry.format or find_format(path.parent / entry.path)
        assert not Path(entry.path).is_absolute()
        assert entry.columns.title or entry.format == "mep3m"


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_the_first_level_map_of_an_example_gives_each_category_to_one_class(path: Path) -> None:
    project = load_project(path)
    if not project.first_level:
        return
    found = from_entries(project.first_level, path)
    assert len({category.id for category in found.classes}) == len(project.first_level)
    given = Counter(
        (shop, name)
        for entry in project.first_level
        for shop, names in entry.covers.items()
        for name in names
    )
    assert max(given.values()) == 1
    assert all(entry.name_en for entry in project.first_level)
    assert found.by_name().keys() <= found.entries.keys() | {(shop, path[0]) for shop, path in found.entries}


@pytest.mark.parametrize("path", PROJECTS, ids=lambda path: path.parent.name)
def test_an_example_says_in_its_first_lines_what_it_is(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    assert len(first) > 40
