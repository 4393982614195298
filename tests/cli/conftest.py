"""What tests of several commands share."""

from pathlib import Path

import pytest

from mep3m.product import to_table
from mep3m.store import Plan, StoreWriter
from tests.alignment.shops import products

FIRST = """
[[first_level]]
name_zh = "家用电器"
name_en = "Appliances"
from = { a = ["家电"], b = ["电器"] }
[[first_level]]
name_zh = "手机数码"
name_en = "Phones"
from = { a = ["手机"], b = ["数码"] }
"""


@pytest.fixture
def two_shops(tmp_path: Path) -> Path:
    """Return a store of the small shops a and b; beside it stands their map of first levels, first.toml."""
    writer = StoreWriter.begin(tmp_path / "shops", Plan("ingest", {}, ("1",)))
    writer.write(0, to_table(products()))
    writer.finish()
    (tmp_path / "first.toml").write_text(FIRST, encoding="utf-8")
    return tmp_path / "shops"
