"""Which network: one part a modality, how they are joined, and the head."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from mep3m.settings.base import MAX_PIXELS, Settings, Several


class TextSettings(Settings):
    """The encoder of titles, and of OCR text when that is a modality."""

    encoder: Literal["lstm", "bilstm", "bert"] = "bilstm"
    #: words: jieba; characters: Chinese signs, Latin words whole; whitespace: languages with spaces
    tokeniser: Literal["words", "characters", "whitespace"] = "words"
    max_tokens: int = Field(default=64, ge=1)
    vocabulary: int = Field(default=50_000, ge=1)
    embedding: int = Field(default=128, ge=1)
    hidden: int = Field(default=256, ge=1)
    layers: int = Field(default=1, ge=1)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    #: start from Word2vec vectors of the training titles (§4) instead of random ones
    word2vec: bool = True
    #: bert: a local folder or a hub name; lstm and bilstm: the folder of an encoder of titles or of a run
    weights: str | None = None


#: one figure each for red, green and blue, of values from 0 to 1
Colours = tuple[float, float, float]
Spread = Annotated[float, Field(gt=0)]
#: last: a network's last vector; stages: beside it the mean of each stage's maps; blocks: of every block's,
#: where timm tells them apart (EfficientNet, MobileNetV3), else of every stage's
Pooling = Literal["last", "stages", "blocks"]


#: words that say where an image network begins; anything else is a file, a folder or a trained run
WEIGHT_WORDS = ("auto", "packaged", "hub", "none")


class ImageSettings(Settings):
    """The encoder of images: resnet9, any timm name, or the paper's VGG-19, Inception-v3, ResNet-50."""

    backbone: str = "resnet18"
    #: the side of the images; 0, in training, takes the size that the network was made for
    pixels: int = Field(default=64, ge=0)
    #: auto, packaged, hub, none, or a file, a folder or a trained run; `None` trains from scratch
    weights: str | None = None
    #: how many of the last stages are trained, with the heads; those below stay as they were loaded. `None`
    #: trains all of them, or with `frozen` none
    trained: int | None = Field(default=None, ge=1)
    #: how the maps of the network become one vector
    pooling: Pooling = "last"
    #: how an image becomes a square: 0 squashes all of it, a share keeps the central square of that part of
    #: the shorter side. Frozen encoders can look at several and take the mean of their vectors; with none
    #: named, in training, the network's own and the whole
    crops: Several[Annotated[float, Field(ge=0, le=1)]] = (0.0,)
    #: images are decoded to this times `pixels` and then made smaller, as in training with crops (set there)
    margin: float = Field(default=1.0, ge=1)
    #: larger images count as unreadable
    max_pixels: int = Field(default=MAX_PIXELS, ge=1)
    #: mean and standard deviation with which colours are normalised: in training `None` takes what the
    #: network expects; classifiers saved before this was kept have `None`, which is ImageNet's
    mean: Colours | None = None
    std: tuple[Spread, Spread, Spread] | None = None
    #: predict from the image and its mirror image together
    mirror: bool = False
    #: keyword arguments for timm
    arguments: dict[str, Any] = Field(default_factory=dict)

    @field_validator("pixels")
    @classmethod
    def _wide_enough(cls, pixels: int) -> int:
        if 0 < pixels < 16:
            raise ValueError("has to be 16 or more, or 0 for the network's own size")
        return pixels

    @property
    def decoded(self) -> int:
        """The side in pixels to which image files are decoded."""
        return round(self.pixels * self.margin)


class NetworkSettings(Settings):
    """One network over one, two or three modalities."""

    title: TextSettings | None = None
    ocr: TextSettings | None = None
    image: ImageSettings | None = None
    fusion: Literal["concatenation", "tensor", "low_rank"] = "concatenation"
    #: tensor: width each modality is projected to; low_rank: number of terms
    rank: int = Field(default=16, ge=1)
    #: fully connected layers before the label heads; Table 5 has (4096, 4096)
    hidden: Several[int] = ()
    #: linear: without `hidden` layers the heads are one linear layer whose levels agree, not towers of dense
    #: layers
    head: Literal["dense", "linear"] = "dense"
    #: how the heads of the levels are connected (§5, Fig. 10)
    hierarchy: Literal["flat", "coarse-to-fine", "fine-to-coarse", "coarse-and-fine"] = "flat"
    dropout: float = Field(default=0.2, ge=0, lt=1)
    #: chance that a training row hides one of its modalities
    modality_dropout: float = Field(default=0.0, ge=0, lt=1)
    #: train the heads only; the encoders stay as they were loaded
    frozen: bool = False
    #: bring every entry of the fused vector to mean 0 and spread 1, as seen in training
    standardise: bool = False

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities in the order of every `present` mask."""
        return tuple(name for name in ("image", "title", "ocr") if getattr(self, name) is not None)
