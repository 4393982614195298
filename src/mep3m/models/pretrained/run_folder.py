"""Where a trained run keeps its image network, found without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mep3m.store.json_files import read_json

#: the file of a network's weights in its folder
WEIGHTS = "weights.safetensors"
#: folders of a run that may hold the image network, the first that has weights counts
_BELOW = ("model/image", "model", "image", "")


def network_folder(path: Path) -> Path:
    """Return the folder of the image network below that of a run; `path` itself where there is none."""
    return next((path / below for below in _BELOW if (path / below / WEIGHTS).exists()), path)


def image_of_run(path: Path) -> dict[str, Any] | None:
    """Return the settings of the image network of a run, `None` where `path` is no run with one."""
    description = network_folder(path) / "classifier.json"
    if not path.is_dir() or not description.is_file():
        return None
    image: dict[str, Any] | None = (read_json(description).get("settings") or {}).get("image")
    return image


#: what a run's encoder of titles cannot be used without
_OF_TITLES = ("encoder", "tokeniser", "max_tokens", "vocabulary", "embedding", "hidden", "layers")
#: what a run's image network cannot be used without, and what its pictures have to be like
_OF_NETWORK = ("backbone", "arguments", "pixels", "mean", "std", "margin", "crops")


def network_of_folder(path: Path) -> dict[str, Any]:
    """Return what a folder of weights says of its image network, as fields of `ImageSettings`.

    That is the network, and of a run or an encoder also how its pictures are made. Empty where it says
    nothing: a file of weights does not.
    """
    run = image_of_run(path)
    if run is not None:
        return {name: run[name] for name in _OF_NETWORK if name in run}
    config = path / "config.json"
    described = read_json(config) if path.is_dir() and config.is_file() else {}
    if "architecture" not in described:
        return {}
    return {"backbone": described["architecture"], "arguments": described.get("model_args") or {}}


def titles_of_folder(path: Path) -> dict[str, Any]:
    """Return what an encoder of titles, or a run of one, says of itself, as fields of `TextSettings`.

    Empty where the folder is none of these: a transformers model is another thing.
    """
    description = path / "classifier.json"
    settings = read_json(description).get("settings") or {} if description.is_file() else {}
    title = settings.get("title") or {}
    return {name: title[name] for name in _OF_TITLES if name in title}
