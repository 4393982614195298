"""`mep3m.toml`: the sources of a project, the hand-made first-level map, the settings of every stage.

Example::

    name = "two shops"

    [[sources]]
    name = "shop_a"
    path = "shop_a.csv"
    format = "csv"
    encoding = "gb18030"
    [sources.columns]
    id = "sku"
    title = "name"
    image = "picture"
    labels = ["category", "subcategory"]

    [[first_level]]
    name_zh = "家用电器"
    name_en = "Home appliances"
    from = { shop_a = ["家电"], shop_b = ["家用电器", "厨卫大电"] }

    [quality]
    min_title = 2
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field

from mep3m.errors import NotFoundError, SettingsError
from mep3m.settings.base import Settings
from mep3m.settings.sources import SourceEntry

__all__ = ["FirstLevel", "SourceEntry", "read_toml"]


class FirstLevel(Settings):
    """One common first-level class, and the shops' own first-level names that it covers.

    A name may also be a path (`数码 > 相机`): the longest that fits a category counts. `id` keeps the
    class's id when its names change.
    """

    name_zh: str
    name_en: str | None = None
    id: str | None = None
    covers: dict[str, tuple[str, ...]] = Field(alias="from", default_factory=dict)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        NotFoundError: there is no such file.
        SettingsError: it is not TOML; the message has the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise NotFoundError(f"no project file {path}; 'mep3m simulate' writes an example") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML in UTF-8: {error}") from None
