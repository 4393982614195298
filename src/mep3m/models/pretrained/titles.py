"""Encoders of titles that have learned before: their tokens and their weights."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from mep3m.errors import ModelError
from mep3m.models.inputs.columns import Coder
from mep3m.models.inputs.words import PretrainedTokens, TokenVocabulary
from mep3m.models.pretrained.files import load_weights, read_tensors
from mep3m.models.pretrained.run_folder import WEIGHTS, titles_of_folder
from mep3m.settings.network import TextSettings

#: what the tensors of the encoder of titles of a run begin with
_OF_A_RUN = "encoders.title."


def coder_of_weights(text: TextSettings) -> Coder:
    """Return the tokens that the weights of the settings were learned with.

    Raises:
        ModelError: there is no such folder, or it holds something else.
    """
    if text.encoder == "bert":
        return PretrainedTokens.open(text.weights or "", text.max_tokens)
    return TokenVocabulary.load(_folder(text), "title")


def load_titles(encoder: nn.Module, text: TextSettings) -> None:
    """Load the weights that the settings of an LSTM or BiLSTM name.

    Raises:
        ModelError: there is no such folder, or its weights are damaged or of another encoder.
    """
    folder = _folder(text)
    tensors = read_tensors(folder / WEIGHTS)
    own = {key[len(_OF_A_RUN) :]: value for key, value in tensors.items() if key.startswith(_OF_A_RUN)}
    load_weights(encoder, own, folder.name)


def _folder(text: TextSettings) -> Path:
    folder = Path(text.weights or "")
    if not titles_of_folder(folder):
        raise ModelError(
            f"no encoder of titles at {folder}; {text.encoder} begins with the folder of one that 'mep3m "
            "pretrain --modality text' wrote, or with a run of lstm or bilstm"
        )
    return folder
