"""A whole project: everything that `mep3m.toml` may say."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from mep3m.errors import SettingsError
from mep3m.settings.align import AlignSettings
from mep3m.settings.base import Settings
from mep3m.settings.dedupe import DedupeSettings
from mep3m.settings.merge import MergeSettings
from mep3m.settings.ocr import OcrSettings, PoolSettings
from mep3m.settings.project import FirstLevel, read_toml
from mep3m.settings.quality import QualitySettings
from mep3m.settings.run import RunSettings, SplitKind
from mep3m.settings.sources import SourceEntry


class SplitSettings(Settings):
    """How test products are set aside; the paper draws 8:2 at random (§4)."""

    kind: SplitKind = "grouped"
    test_share: float = Field(default=0.2, gt=0, lt=1)
    seed: int = 0
    shops: tuple[str, ...] = ()


class Project(Settings):
    """A project file. Every section is optional except the sources."""

    name: str
    sources: tuple[SourceEntry, ...] = Field(min_length=1)
    first_level: tuple[FirstLevel, ...] = ()
    quality: QualitySettings = QualitySettings()
    dedupe: DedupeSettings = DedupeSettings()
    ocr: OcrSettings = OcrSettings()
    ocr_pool: PoolSettings = PoolSettings()
    align: AlignSettings = AlignSettings()
    #: a build applies what the method accepted until a person has looked at it
    merge: MergeSettings = MergeSettings(unreviewed="accept", accept_above=0.5)
    split: SplitSettings = SplitSettings()
    train: RunSettings = RunSettings()


def load_project(path: Path) -> Project:
    """Read a project file.

    Raises:
        NotFoundError: there is no such file.
        SettingsError: it is not TOML, a key is unknown, a value is not allowed, or two sources share
            a name.
    """
    project = Project.parse(read_toml(path), str(path))
    names = [entry.name for entry in project.sources]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"{path}: two sources are called '{name}'; give each its own name")
    return project
