"""Every settings class: wrong kinds of values at any depth, messages, fingerprints, and one file for all."""

import inspect
import pkgutil
from importlib import import_module
from typing import Any, get_args

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import mep3m.settings
from mep3m.errors import SettingsError
from mep3m.settings import Settings
from mep3m.settings.project import Project, SplitSettings
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns, SourceEntry
from mep3m.store.json_files import fingerprint

MODULES = [
    import_module(f"mep3m.settings.{found.name}") for found in pkgutil.iter_modules(mep3m.settings.__path__)
]
EVERY = [
    kind
    for module in MODULES
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, Settings) and kind.__module__ == module.__name__ and kind is not Settings
]
#: settings without which a class cannot be made
NEEDED: dict[str, dict[str, Any]] = {
    "Project": {"name": "p", "sources": [{"name": "a", "path": "a.csv"}]},
    "SourceEntry": {"name": "a", "path": "a.csv"},
    "FirstLevelClass": {"name_zh": "食品"},
}
SMALL = {"name": "p", "sources": [{"name": "a", "path": "a.csv"}]}


def made(kind: type[Settings]) -> Settings:
    return kind.parse(NEEDED.get(kind.__name__, {}), "x")


def word(kind: object) -> str:
    return getattr(kind, "__name__", "")


@pytest.mark.parametrize("kind", EVERY, ids=word)
def test_every_class_says_what_its_settings_are(kind: type[Settings]) -> None:
    text = (kind.__doc__ or "") + inspect.getsource(kind)
    assert kind.__doc__
    for field in kind.model_fields:
        assert field in text


@pytest.mark.parametrize("kind", EVERY, ids=word)
def test_effective_settings_are_json_and_come_back(kind: type[Settings]) -> None:
    whole = made(kind)
    saved = whole.model_dump(mode="json", by_alias=True)
    again = kind.parse(saved, "saved")
    assert again == whole
    assert fingerprint(again.model_dump(mode="json")) == fingerprint(whole.model_dump(mode="json"))


@pytest.mark.parametrize("kind", EVERY, ids=word)
@pytest.mark.parametrize("value", [object, float("nan"), "a word", [1, 2], {"a": 1}, -(10**9)], ids=repr)
def test_any_wrong_value_is_an_error_that_names_setting_and_place(kind: type[Settings], value: Any) -> None:
    """A value that a setting takes is fine; any other is a `SettingsError`, never a traceback."""
    for field, info in kind.model_fields.items():
        key = info.alias or field
        given_values = {**NEEDED.get(kind.__name__, {}), key: value}
        try:
            kind.parse(given_values, "shop.toml [part]")
        except SettingsError as error:
            said = str(error)
            assert said.startswith("shop.toml [part]: ")
            assert key in said
            assert "pydantic" not in said.lower()


@pytest.mark.parametrize("kind", EVERY, ids=word)
def test_an_almost_right_name_is_unknown_and_the_right_one_is_offered(
    kind: type[Settings],
) -> None:
    field = max(kind.model_fields, key=len)
    with pytest.raises(SettingsError, match=rf"unknown setting '{field}_' \(did you mean '{field}'\?"):
        kind.parse({**NEEDED.get(kind.__name__, {}), f"{field}_": 1}, "x")


@settings(deadline=None, max_examples=60)
@given(
    section=st.sampled_from(["quality", "dedupe", "ocr", "align", "split", "train", "merge"]),
    key=st.text("abcdefghijklmnopqrstuvwxyz_", min_size=3, max_size=12),
)
def test_an_unknown_key_anywhere_in_a_project_is_named_with_its_section(section: str, key: str) -> None:
    kind = Project.model_fields[section].annotation
    assert kind is not None
    assume(key not in kind.model_fields)
    with pytest.raises(SettingsError) as caught:
        Project.parse({**SMALL, section: {key: 1}}, "mep3m.toml")
    assert f"mep3m.toml: unknown setting '{section}.{key}'" in str(caught.value)
    assert f"allowed: {', '.join(sorted(kind.model_fields))})" in str(caught.value)


@given(
    columns=st.dictionaries(
        st.sampled_from(["id", "title", "image", "ocr", "source"]), st.text(min_size=1, max_size=4)
    )
)
def test_the_columns_a_table_must_have_are_those_that_were_named_once_each(columns: dict[str, str]) -> None:
    names = Columns.parse(columns, "x").names()
    assert set(names) == set(columns.values())
    assert len(names) == len(set(names))


def test_settings_of_a_section_do_not_leak_into_another() -> None:
    one = Project.parse({**SMALL, "quality": {"min_title": 9}}, "x")
    assert one.quality.min_title == 9
    assert Project.parse(SMALL, "x").quality.min_title != 9


def test_a_mistake_in_one_of_several_sources_says_which() -> None:
    entries = [{"name": "a", "path": "a.csv"}, {"name": "b", "path": "b.csv", "fetch": {"timeout": 0}}]
    with pytest.raises(SettingsError, match=r"sources\.1\.fetch\.timeout = 0 is not allowed"):
        Project.parse({"name": "p", "sources": entries}, "mep3m.toml")
    with pytest.raises(SettingsError, match=r"sources\.1 = 'b.csv' is not allowed"):
        Project.parse({"name": "p", "sources": [entries[0], "b.csv"]}, "mep3m.toml")


@pytest.mark.parametrize("kind", ["grouped", "random", "stratified", "platform"])
def test_the_kinds_of_a_split_are_those_of_a_run(kind: str) -> None:
    assert (
        SplitSettings.parse({"kind": kind}, "x").kind == RunSettings.parse({"split": kind}, "x").split == kind
    )


def test_the_formats_of_a_source_are_those_of_the_command() -> None:
    from mep3m.cli.building.ingest import FORMATS
    from mep3m.settings.sources import TableFormat

    assert set(get_args(TableFormat)) < set(FORMATS)
    for word in FORMATS:
        assert SourceEntry.parse({"name": "a", "path": "a", "format": word}, "x").format == word
