"""Weights files: safetensors, or PyTorch's own format read weights-only, so that nothing in them can run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from mep3m.errors import ModelError
from mep3m.models.pretrained.run_folder import WEIGHTS, network_folder

#: files of a hub folder of timm, and of a trained run, the first that is there counts
_NAMES = ("model.safetensors", "pytorch_model.bin", WEIGHTS)
#: what the tensors of the image encoder of a trained run begin with
_OF_A_RUN = "encoders.image.network."


def weights_file(path: Path) -> Path:
    """Return the file of weights that `path` is, or that the folder `path` holds: timm's or a run's.

    Raises:
        ModelError: there is none.
    """
    if path.is_dir():
        folder = network_folder(path)
        path = next((folder / name for name in _NAMES if (folder / name).exists()), folder / _NAMES[0])
    if not path.exists():
        raise ModelError(
            f"no weights at {path}; give a .safetensors or .pth file, a folder that holds one, or a "
            "trained run"
        )
    return path


def read_tensors(file: Path) -> dict[str, Tensor]:
    """Return the tensors of a file; of a trained run those of its image network.

    Raises:
        ModelError: the file is damaged or something else.
    """
    try:
        if file.suffix == ".safetensors":
            state: Mapping[str, Any] = load_file(file)
        else:
            state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # the loaders raise whatever the damaged byte leads to
        raise ModelError(f"{file} is not a readable weights file: {error}") from error
    state = state.get("state_dict", state.get("model", state))
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ModelError(f"{file} is not a weights file: it does not hold tensors by name")
    own = {key[len(_OF_A_RUN) :]: value for key, value in state.items() if key.startswith(_OF_A_RUN)}
    return own or dict(state)


def load_weights(network: nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Load pre-trained weights into a network without its classifier, whose tensors are left out.

    Raises:
        ModelError: the tensors belong to another network.
    """
    own = network.state_dict()
    fitting = {key: value for key, value in tensors.items() if key in own and own[key].shape == value.shape}
    missing = sorted(set(own) - set(fitting))
    if missing:
        raise ModelError(
            f"{source} does not fit the network: {len(missing)} of {len(own)} tensors are absent or of "
            f"another shape (first: {missing[0]}); name the network that the weights were made for"
        )
    network.load_state_dict(fitting)


def tensors_hash(tensors: Mapping[str, Tensor]) -> str:
    """Return 32 hex digits of tensors and their names, in whatever file they came."""
    digest = hashlib.sha256()
    for key, value in sorted(tensors.items()):
        digest.update(key.encode())
        digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]
