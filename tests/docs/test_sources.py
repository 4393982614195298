"""What the guide says of sources is taken by the settings, and its tables name what there is."""

import re
import tomllib
from pathlib import Path

import pytest

from mep3m.alignment.taxonomies.published import read_categories
from mep3m.cli.align import COMMANDS
from mep3m.settings.sources import ShopColumns, SourceEntry
from mep3m.sources.formats.shop_maps import SHOPS

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "guide-ingest.md").read_text(encoding="utf-8")
BLOCKS: list[str] = re.findall(r"^```toml\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)


def section(title: str) -> str:
    return GUIDE.split(f"## {title}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("block", [block for block in BLOCKS if "[[sources]]" in block])
def test_a_source_of_the_guide_can_be_pasted(block: str) -> None:
    for entry in tomllib.loads(block)["sources"]:
        assert SourceEntry.parse(entry, "guide").name == "my_shop"


def test_every_setting_of_a_shops_own_map_is_in_the_guide() -> None:
    text = section("Exports of shop systems")
    assert [name for name in ShopColumns.model_fields if not re.search(rf"\b{name}\b", text)] == []


@pytest.mark.parametrize("name", SHOPS)
def test_the_table_of_shop_systems_names_their_columns(name: str) -> None:
    (line,) = [
        line for line in section("Exports of shop systems").splitlines() if line.startswith(f"| {name} |")
    ]
    shop = SHOPS[name]
    for columns in (shop.id, shop.title, shop.category[:1], shop.images[:1], shop.parent[:1]):
        assert all(f"`{column}`" in line for column in columns[:1]), columns
    if shop.children:
        assert f"`{shop.children}`" in line


def test_every_known_map_names_columns_once() -> None:
    for shop in SHOPS.values():
        for columns in (shop.id, shop.title, shop.images, shop.category):
            assert len(columns) == len(set(columns))
        assert shop.category, "a shop's own export says what its products are"


def test_the_page_about_mapping_names_a_command_and_options_that_there_are() -> None:
    import importlib

    text = (DOCS / "guide-map-to-google.md").read_text(encoding="utf-8")
    command = importlib.import_module(f"mep3m.cli.align.{COMMANDS['map']}").map
    own = {name for option in command.params for name in option.opts} | {"--ask", "--right"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)) <= own


def test_the_kinds_of_taxonomies_on_the_page_are_read(tmp_path: Path) -> None:
    """The names of UNSPSC's and ETIM's columns, as the page spells them, are what the reader looks for."""
    text = (DOCS / "guide-map-to-google.md").read_text(encoding="utf-8")
    assert "Segment, Segment Title, Family, …" in text
    assert "`ETIMARTCLASS.csv`" in text
    for parent in ("parent_id", "pid", "parent_cid"):
        assert f"`{parent}`" in text
        path = tmp_path / f"{parent}.csv"
        path.write_text(f"id,{parent},name\n1,0,Home\n2,1,Rugs\n")
        assert read_categories(path).kind == "parents"
