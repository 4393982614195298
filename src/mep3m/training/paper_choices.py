"""What a network that is trained as the paper says (§4) takes beside what the paper says: our own choices.

The paper names VGG-19, Inception-v3, (Bi)LSTM on Word2vec, TFN, LMF, and ResNet-50 or BERT below two 4096-d
layers; Adam at 1e-3, halved every two epochs, and batches of 64. No more is stated.
"""

from __future__ import annotations

from mep3m.settings.network import ImageSettings, NetworkSettings, TextSettings
from mep3m.settings.training import PAPER, TrainingSettings

#: what §4 states
STATED = ("optimiser", "learning_rate", "schedule", "batch")


def own_choices(network: NetworkSettings, training: TrainingSettings) -> tuple[str, ...]:
    """Return a line for each choice that is ours, of a run that trains as §4 states; else nothing."""
    if any(getattr(training, name) != getattr(PAPER, name) for name in STATED):
        return ()
    texts = {text for text in (network.title, network.ocr) if text is not None}
    lines = _of_training(training)
    lines += _of_images(network.image) if network.image is not None else []
    lines += [line for text in texts for line in _of_texts(text)]
    return (*lines, *_of_heads(network))


def _of_training(training: TrainingSettings) -> list[str]:
    length = f"{training.epochs} epochs"
    if training.epochs is None:
        length = f"as many steps as fit into minutes = {training.minutes}"
    changes = {"clip": None, "label_smoothing": 0.0, "weight_decay": 0.0, "average": None, "augment": False}
    more = [
        f"{name} = {getattr(training, name)}"
        for name, none in changes.items()
        if getattr(training, name) != none
    ]
    return [
        f"{length} (the paper does not say how many)",
        f"precision {training.precision}, Adam's betas .9 and .999, PyTorch's initial weights",
        f"loss {training.loss}, the levels added up; a level without a label is masked",
        f"{', '.join(more) or 'no weight decay, smoothing, augmentation, clipping or averaging'}",
    ]


def _of_images(image: ImageSettings) -> list[str]:
    start = f"weights {image.weights}" if image.weights else "from scratch (the paper does not say)"
    lines = [
        f"images at {image.pixels} × {image.pixels} pixels, whole, squeezed to a square",
        f"{image.backbone} {start}",
    ]
    if image.backbone.startswith("vgg"):
        lines.append("VGG pooled to one vector of 512; its two 4096-wide layers only with hidden = 4096,4096")
    return lines


def _of_texts(text: TextSettings) -> list[str]:
    if text.encoder == "bert":
        return [f"weights {text.weights}, mean over the tokens, at most {text.max_tokens} tokens"]
    vectors = "Word2vec of the training titles" if text.word2vec else "random"
    return [
        f"{text.tokeniser} cut from titles, the first {text.max_tokens}, a vocabulary of {text.vocabulary:,}",
        f"vectors of {text.embedding} ({vectors}), trained on",
        f"{text.layers} layer of {text.hidden}, maximum over the tokens",
        f"dropout {text.dropout:g} on the word vectors",
    ]


def _of_heads(network: NetworkSettings) -> list[str]:
    lines = [f"dropout {network.dropout:g} before each layer of the heads"]
    if len(network.modalities) > 1:
        lines.append("a learned vector in the place of a missing image or text")
        widths = {"tensor": f"projections of {network.rank}", "low_rank": f"rank {network.rank}"}
        if network.fusion in widths:
            lines.append(f"LayerNorm before the fusion, {widths[network.fusion]}")
    if not network.hidden:
        lines.append("no hidden layer above the features")
    return lines
