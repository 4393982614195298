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
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from mep3m.errors import NotFoundError, SettingsError, did_you_mean
from mep3m.settings.align import AlignSettings, MergeSettings
from mep3m.settings.base import Settings, Several
from mep3m.settings.dedupe import DedupeSettings
from mep3m.settings.ocr import OcrSettings, PoolSettings
from mep3m.settings.quality import QualitySettings
from mep3m.settings.run import OLD_SPLIT_KINDS, RunSettings, SplitKind
from mep3m.settings.sources import SourceEntry

__all__ = ["FirstLevelClass", "SourceEntry", "read_toml"]


class FirstLevelClass(Settings):
    """One common first-level class, and the platforms' own first-level names that it covers.

    A name may also be a path (`数码 > 相机`): the longest that fits a category counts. `id` keeps the
    class's id when its names change.
    """

    name_zh: str
    name_en: str | None = None
    id: str | None = None
    covers: dict[str, Several[str]] = Field(alias="from", default_factory=dict)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        NotFoundError: there is no such file.
        SettingsError: it is not TOML; the message has the line.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, IsADirectoryError):
        raise NotFoundError(f"no project file {path}; 'mep3m simulate' writes an example") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML in UTF-8: {error}") from None


class SplitSettings(Settings):
    """How test products are set aside; the paper draws 8:2 at random (§4).

    `test_share` of the products are tested on; with `kind` platform, all products of these `platforms` are.
    """

    old_keys: ClassVar[Mapping[str, str]] = {"shops": "platforms"}
    old_values: ClassVar[Mapping[str, Mapping[str, str]]] = {"kind": OLD_SPLIT_KINDS}
    kind: SplitKind = "grouped"
    test_share: float = Field(default=0.2, gt=0, lt=1)
    seed: int = 0
    platforms: Several[str] = ()


class EyesSettings(Settings):
    """What the packaged network looks at, where 'mep3m[train]' is installed; nothing is downloaded.

    `report`: the report shows the nearest products by what it sees, of some 600 images.
    """

    report: bool = True


class Project(Settings):
    """A project file. Every section is optional except the sources."""

    name: str
    sources: Several[SourceEntry] = Field(min_length=1)
    first_level: Several[FirstLevelClass] = ()
    quality: QualitySettings = QualitySettings()
    dedupe: DedupeSettings = DedupeSettings()
    ocr: OcrSettings = OcrSettings()
    ocr_pool: PoolSettings = PoolSettings()
    align: AlignSettings = AlignSettings()
    merge: MergeSettings = MergeSettings()
    split: SplitSettings = SplitSettings()
    train: RunSettings = RunSettings()
    eyes: EyesSettings = EyesSettings()


def load_project(path: Path) -> Project:
    """Read a project file.

    Raises:
        NotFoundError: there is no such file.
        SettingsError: it is not TOML, a key is unknown, a value is not allowed, two sources share
            a name, or a platform is named that no source is.
    """
    project = Project.parse(read_toml(path), str(path))
    names = [entry.name for entry in project.sources]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"{path}: two sources are called '{name}'; give each its own name")
    _check_platforms(project, names, path)
    return project


def _check_platforms(project: Project, names: list[str], path: Path) -> None:
    """See that every platform that the project names is a source, unless a column of the rows holds it."""
    if any(entry.columns.platform for entry in project.sources):
        return
    named = dict.fromkeys(project.split.platforms, "split.platforms")
    for level in project.first_level:
        named |= dict.fromkeys(level.covers, f"first_level '{level.name_zh}'")
    unknown = next((platform for platform in named if platform not in names), None)
    if unknown is not None:
        raise SettingsError(
            f"{path}: {named[unknown]} names the platform '{unknown}'{did_you_mean(unknown, names)}"
        )
