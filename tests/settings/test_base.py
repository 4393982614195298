from pathlib import Path
from typing import ClassVar, Literal

import pytest
from pydantic import model_validator

from mep3m.errors import SettingsError
from mep3m.settings import Settings
from mep3m.settings.project import read_toml


class Inner(Settings):
    threshold: float = 0.5


class Outer(Settings):
    name: str
    inner: Inner = Inner()


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r"shop.toml: unknown setting 'nam' \(did you mean 'name'"):
        Outer.parse({"name": "a", "nam": "b"}, "shop.toml")


def test_an_unknown_nested_key_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r"'inner.treshold' \(did you mean 'threshold'"):
        Outer.parse({"name": "a", "inner": {"treshold": 1}}, "shop.toml")


def test_a_missing_key_and_a_wrong_value_are_both_said() -> None:
    with pytest.raises(SettingsError, match=r"'name' is missing.*inner.threshold = 'high' is not allowed"):
        Outer.parse({"inner": {"threshold": "high"}}, "shop.toml")


class Pair(Settings):
    low: int = 0
    high: int = 1

    @model_validator(mode="after")
    def _in_order(self) -> "Pair":
        if self.low > self.high:
            raise ValueError("'low' is larger than 'high'; swap them")
        return self


class Holder(Settings):
    pair: Pair = Pair()


def test_settings_that_do_not_fit_together_are_said_without_python_words() -> None:
    with pytest.raises(SettingsError) as alone:
        Pair.parse({"low": 3, "high": 2}, "shop.toml")
    assert str(alone.value) == "shop.toml: 'low' is larger than 'high'; swap them"
    with pytest.raises(SettingsError) as inner:
        Holder.parse({"pair": {"low": 3, "high": 2}}, "shop.toml")
    assert str(inner.value) == "shop.toml: pair: 'low' is larger than 'high'; swap them"


def test_broken_toml_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mep3m.toml"
    path.write_text("name = [\nx = 1")
    with pytest.raises(SettingsError, match="line 2"):
        read_toml(path)


class Renamed(Settings):
    old_keys: ClassVar = {"least": "min_titles"}
    old_values: ClassVar = {"kind": {"shop": "platform"}}
    min_titles: int = 2
    kind: Literal["grouped", "platform"] = "grouped"


class Outside(Settings):
    inside: Renamed = Renamed()


def test_keys_and_values_of_an_earlier_version_are_translated_at_any_depth() -> None:
    told = Outside.parse({"inside": {"least": 5, "kind": "shop"}}, "mep3m.toml")
    assert told.inside == Renamed(min_titles=5, kind="platform")
    assert told.model_dump() == {"inside": {"min_titles": 5, "kind": "platform"}}


def test_an_earlier_name_beside_the_one_of_today_is_an_error() -> None:
    with pytest.raises(SettingsError) as caught:
        Outside.parse({"inside": {"least": 5, "min_titles": 5}}, "mep3m.toml")
    said = "mep3m.toml: inside: 'least' is an earlier name of 'min_titles'; give 'min_titles' alone"
    assert str(caught.value) == said


def test_earlier_names_are_not_offered() -> None:
    with pytest.raises(
        SettingsError, match=r"unknown setting 'leas' \((did you mean 'kind'\? )?allowed: kind, min_titles\)"
    ):
        Renamed.parse({"leas": 1}, "x")


@pytest.mark.parametrize("values", [[], 5, "text", None, {1: 2}])
def test_what_is_no_table_of_settings_is_refused(values: object) -> None:
    with pytest.raises(SettingsError):
        Outside.parse({"inside": values}, "x")
