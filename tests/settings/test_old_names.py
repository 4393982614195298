"""Project files, `--set` and run folders of an earlier version still say what they said."""

from pathlib import Path
from typing import Any

import pytest

from mep3m.settings import Settings
from mep3m.settings.linear import LinearSettings
from mep3m.settings.project import SplitSettings, load_project
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns, SourceEntry

OLD = """
name = "p"
[[sources]]
name = "a"
path = "a.csv"
images = "photos"
[sources.columns]
title = "t"
source = "shop"
[split]
kind = "shop"
shops = ["jd"]
"""
NEW = OLD.replace("images =", "image_root =").replace('source = "shop"', 'platform = "shop"')
NEW = NEW.replace('kind = "shop"', 'kind = "platform"').replace("shops =", "platforms =")


def test_a_project_file_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    (tmp_path / "old.toml").write_text(OLD)
    (tmp_path / "new.toml").write_text(NEW)
    project = load_project(tmp_path / "old.toml")
    assert project == load_project(tmp_path / "new.toml")
    assert (project.sources[0].image_root, project.sources[0].columns.platform) == ("photos", "shop")
    assert project.split == SplitSettings(kind="platform", platforms=("jd",))


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (Columns, {"source": "shop"}, {"platform": "shop"}),
        (
            SourceEntry,
            {"name": "a", "path": "b", "images": "c"},
            {"name": "a", "path": "b", "image_root": "c"},
        ),
        (RunSettings, {"split": "shop"}, {"split": "platform"}),
        (
            LinearSettings,
            {"low": "2", "high": "4", "words": 0},
            {"min_ngram": 2, "max_ngram": 4, "word_ngrams": 0},
        ),
        (
            LinearSettings,
            {"least": 3, "most": 9, "bits": 12},
            {"min_titles": 3, "max_features": 9, "hash_bits": 12},
        ),
        (
            LinearSettings,
            {"cost": 3, "bound": 4, "rate": 0.5},
            {"error_cost": 3, "error_limit": 4, "learning_rate": 0.5},
        ),
        (
            LinearSettings,
            {"rare": 0, "names": 9, "purity": 1},
            {"rare_exponent": 0, "name_head_size": 9, "purity_exponent": 1},
        ),
    ],
)
def test_every_earlier_key_means_what_it_meant(
    kind: type[Settings], old: dict[str, Any], new: dict[str, Any]
) -> None:
    assert kind.parse(old, "x") == kind.parse(new, "x")
    assert not set(kind.old_keys) & set(kind.model_fields)
    assert set(kind.old_keys.values()) <= set(kind.model_fields)
