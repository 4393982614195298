"""Project files: the smallest one, a full one, and everything that can be wrong with one."""

from pathlib import Path

import pytest

from mep3m.errors import NotFoundError, SettingsError
from mep3m.settings.project import Project, load_project, read_toml

SMALLEST = 'name = "one"\n[[sources]]\nname = "a"\npath = "a.csv"\n'
FULL = """
name = "两个商店"
[[sources]]
name = "shop_a"
path = "shop_a.csv"
format = "csv"
encoding = "gb18030"
image_root = "photos"
[sources.columns]
id = "sku"
title = "name"
labels = ["category", "subcategory"]
[sources.fetch]
enabled = true
hosts = ["img.example.org"]
[[sources]]
name = "shop_b"
path = "b/annotations.json"
format = "mep3m"
taxonomy = "b/dataset_info.xlsx"
[[first_level]]
name_zh = "家用电器"
name_en = "Home appliances"
from = { shop_a = ["家电"], shop_b = ["家用电器", "数码 > 厨房电器"] }
[quality]
min_title = 3
scripts = ["Han"]
[dedupe]
near_title = 0.7
[align]
method = "paper"
[align.paper]
content_threshold = 0.75
[split]
kind = "platform"
platforms = ["shop_b"]
[train]
model = "linear"
options = { epochs = 8 }
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "mep3m.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_the_smallest_project_has_every_section_by_default(tmp_path: Path) -> None:
    project = load_project(write(tmp_path, SMALLEST))
    assert project.sources[0].columns.names() == []
    assert project.first_level == ()
    assert project.align.method == "evidence"
    assert (project.merge.unreviewed, project.merge.precision) == ("accept", 0.98)
    assert (project.split.kind, project.split.test_share) == ("grouped", 0.2)
    assert not project.sources[0].fetch.enabled  # nothing is fetched unless somebody says so


def test_a_full_project_is_read_as_written(tmp_path: Path) -> None:
    project = load_project(write(tmp_path, FULL))
    a, b = project.sources
    assert (a.columns.id, a.columns.labels, a.encoding, a.image_root) == (
        "sku",
        ("category", "subcategory"),
        "gb18030",
        "photos",
    )
    assert a.fetch.hosts == ("img.example.org",)
    assert b.taxonomy == "b/dataset_info.xlsx"
    assert project.first_level[0].covers == {"shop_a": ("家电",), "shop_b": ("家用电器", "数码 > 厨房电器")}
    assert (project.quality.min_title, project.quality.scripts) == (3, ("Han",))
    assert project.align.paper.content_threshold == 0.75
    assert project.split.platforms == ("shop_b",)
    assert project.train.options == {"epochs": 8}


def test_the_effective_configuration_rebuilds_the_project(tmp_path: Path) -> None:
    project = load_project(write(tmp_path, FULL))
    assert Project.parse(project.model_dump(mode="json", by_alias=True), "saved") == project


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    assert load_project(write(tmp_path, b"\xef\xbb\xbf" + SMALLEST.encode())).name == "one"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "x"\n', "the setting 'sources' is missing; add it"),
        ('name = "x"\nsources = []\n', "sources = .* is not allowed: .*at least 1 item"),
        (SMALLEST.replace('name = "one"\n', ""), "the setting 'name' is missing"),
        (SMALLEST.replace('path = "a.csv"', ""), r"the setting 'sources\.0\.path' is missing"),
        (SMALLEST + '[[sources]]\nname = "a"\npath = "b.csv"\n', "two sources are called 'a'"),
        (SMALLEST + "[qualty]\n", r"unknown setting 'qualty' \(did you mean 'quality'"),
        (SMALLEST + "[quality]\nmin_titel = 1\n", r"'quality\.min_titel' \(did you mean 'min_title'"),
        (SMALLEST + "[quality]\nmin_title = 0\n", r"quality\.min_title = 0 is not allowed"),
        (SMALLEST + "[split]\ntest_share = 1\n", r"split\.test_share = 1 is not allowed"),
        (SMALLEST + '[split]\nkind = "halves"\n', r"split\.kind = 'halves' is not allowed"),
        (SMALLEST + '[columns]\nid = "x"\n', "unknown setting 'columns'"),
        (SMALLEST + '[sources.columns]\nlables = ["x"]\n', r"columns\.lables' \(did you mean 'labels'"),
        (SMALLEST + '[sources.columns]\nlabels = ["x"]\npath = "p"\n', "not both"),
        (SMALLEST + '[[first_level]]\nname_en = "Tea"\n', r"'first_level\.0\.name_zh' is missing"),
        (SMALLEST + "[[sources]\n", "is not TOML"),
        (SMALLEST + 'name = "again"\n', "is not TOML"),
    ],
)
def test_a_wrong_project_says_what_and_where(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SettingsError, match=message) as caught:
        load_project(path)
    assert str(path) in str(caught.value)


def test_several_mistakes_are_said_at_once(tmp_path: Path) -> None:
    text = SMALLEST + "[quality]\nmin_title = 0\n[dedupe]\nchain = 1\n"
    with pytest.raises(SettingsError, match=r"min_title = 0 .*; .*dedupe\.chain = 1"):
        load_project(write(tmp_path, text))


def test_text_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is not TOML in UTF-8"):
        read_toml(write(tmp_path, 'name = "商店"'.encode("gb18030")))


def test_a_missing_project_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="'mep3m simulate' writes an example"):
        load_project(tmp_path / "none.toml")
    with pytest.raises(NotFoundError, match="no project file"):
        load_project(tmp_path)  # the folder, not the file in it


#: what a person writes for one value, and the settings that it means
ONE = """
name = "one"
[sources]
name = "a"
path = "a.csv"
missing = "N/A"
[sources.columns]
labels = "label"
[sources.fetch]
hosts = "img.example.org"
[sources.limits]
formats = "PNG"
[first_level]
name_zh = "食品"
from = { a = "零食" }
[quality]
scripts = "Han"
[split]
kind = "platform"
platforms = "a"
[train]
subset = "食品"
"""


def test_a_setting_that_holds_several_values_takes_one_as_it_stands(tmp_path: Path) -> None:
    project = load_project(write(tmp_path, ONE))
    (source,) = project.sources
    assert (source.columns.labels, source.missing) == (("label",), ("N/A",))
    assert (source.fetch.hosts, source.limits.formats) == (("img.example.org",), ("PNG",))
    assert [level.covers for level in project.first_level] == [{"a": ("零食",)}]
    assert (project.quality.scripts, project.split.platforms) == (("Han",), ("a",))
    assert project.train.subset == ("食品",)


def test_one_column_of_a_shops_own_export_needs_no_list(tmp_path: Path) -> None:
    shop = (
        'format = "shop"\n[sources.shop]\nid = "nr"\ntitle = "name"\ncategory = "group"\nimages = "picture"\n'
    )
    read = load_project(write(tmp_path, SMALLEST + shop)).sources[0].shop
    assert read is not None
    assert (read.id, read.title, read.category, read.images) == (("nr",), ("name",), ("group",), ("picture",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sources.columns]\nlabels = 5\n", r"columns\.labels\.0 = 5 is not allowed: .*string"),
        ('[quality]\nscripts = "Klingon"\n', r"quality\.scripts\.0 = 'Klingon' is not allowed"),
        ('[sources.columns]\nlabels = { a = "x" }\n', r"columns\.labels\.0: .*string"),
    ],
)
def test_one_value_that_is_not_allowed_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load_project(write(tmp_path, SMALLEST + text))


def test_eyes_in_the_report_can_be_left_out() -> None:
    assert Project.parse({"name": "p", "sources": SOURCES}, "x").eyes.report
    made = Project.parse({"name": "p", "sources": SOURCES, "eyes": {"report": False}}, "x")
    assert not made.eyes.report


SOURCES = [{"name": "a", "path": "a.csv"}]
