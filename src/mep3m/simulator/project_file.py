"""The `mep3m.toml` that a person would write over the simulated shops, first-level map included."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from typing import Any

from mep3m.settings.simulator import SimulatorSettings
from mep3m.simulator.files import FORMATS
from mep3m.simulator.platforms import Platform, World
from mep3m.simulator.vocabulary import departments


def project_toml(world: World, settings: SimulatorSettings, sold: Mapping[str, Set[str]]) -> str:
    """Return the text of the project file; paths are relative to it.

    `sold` are the first levels that each platform has products of: a map names no others.
    """
    blocks = [f"name = {_toml(f'simulated, {len(world.platforms)} shops, seed {settings.seed}')}\n"]
    blocks += [_source(platform, settings) for platform in world.platforms]
    for department in departments():
        covers = {
            platform.name: [
                own
                for own, true in platform.first_level().items()
                if true == department.name.zh and own in sold[platform.name]
            ]
            for platform in world.platforms
        }
        named = {name: own for name, own in covers.items() if own}
        if named:
            shops = ", ".join(f"{name} = {_toml(own)}" for name, own in named.items())
            blocks.append(
                f"[[first_level]]\nname_zh = {_toml(department.name.zh)}\n"
                f"name_en = {_toml(department.name.en)}\nfrom = {{ {shops} }}\n"
            )
    return "\n".join(blocks)


def _source(platform: Platform, settings: SimulatorSettings) -> str:
    kind = FORMATS[platform.index]
    lines = [
        "[[sources]]",
        f"name = {_toml(platform.name)}",
        f"path = {_toml(f'{platform.name}/{kind.file}')}",
    ]
    if kind.kind:
        lines.append(f"format = {_toml(kind.kind)}")
    if kind.encoding:
        lines.append(f"encoding = {_toml(kind.encoding)}")
    if settings.images:
        lines.append(f"image_root = {_toml(f'{platform.name}/{kind.images}'.rstrip('/'))}")
    columns = {k: v for k, v in kind.columns.items() if settings.images or k != "image"}
    if columns:
        lines.append("[sources.columns]")
        lines += [f"{key} = {_toml(value)}" for key, value in columns.items()]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """Strings and lists of strings are written alike in TOML and JSON."""
    return json.dumps(value, ensure_ascii=False)
