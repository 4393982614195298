"""Text encoders: token ids (B, T) to one vector a title (B, width)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mep3m.models.inputs.columns import PAD


def lengths_of(tokens: Tensor) -> Tensor:
    """Return (B,) the number of tokens before the padding, at least 1."""
    return (tokens != PAD).sum(1).clamp(min=1)


def reverse_within_length(values: Tensor, lengths: Tensor) -> Tensor:
    """Reverse (B, T, D) along T inside each row's length; the padding stays at the end."""
    positions = torch.arange(values.shape[1], device=values.device)
    index = (lengths[:, None] - 1 - positions).clamp(min=0)
    return values.gather(1, index[:, :, None].expand(-1, -1, values.shape[2]))


class RecurrentText(nn.Module):
    """LSTM or BiLSTM over word vectors (§4), pooled by the maximum over the real tokens.

    The backward direction reads each title reversed inside its own length, so padding never
    changes a prediction and the network exports to ONNX without packed sequences.
    """

    def __init__(
        self, vectors: Tensor, hidden: int, bidirectional: bool, layers: int = 1, dropout: float = 0.2
    ) -> None:
        """Take the initial word vectors (V, E), row 0 being the padding."""
        super().__init__()
        self.embedding = nn.Embedding.from_pretrained(vectors.clone(), freeze=False, padding_idx=PAD)
        self.dropout = nn.Dropout(dropout)
        directions = 2 if bidirectional else 1
        self.forward_layers = nn.ModuleList()
        self.backward_layers = nn.ModuleList()
        for layer in range(layers):
            width = vectors.shape[1] if layer == 0 else hidden * directions
            self.forward_layers.append(nn.LSTM(width, hidden, batch_first=True))
            if bidirectional:
                self.backward_layers.append(nn.LSTM(width, hidden, batch_first=True))
        self.width = hidden * directions

    def forward(self, tokens: Tensor) -> Tensor:
        """Map token ids (B, T) to (B, width)."""
        lengths = lengths_of(tokens)
        states = self.dropout(self.embedding(tokens))
        for layer, ahead in enumerate(self.forward_layers):
            outputs = [ahead(states)[0]]
            if len(self.backward_layers):
                reversed_states = reverse_within_length(states, lengths)
                outputs.append(
                    reverse_within_length(self.backward_layers[layer](reversed_states)[0], lengths)
                )
            states = torch.cat(outputs, 2)
        inside = torch.arange(states.shape[1], device=states.device) < lengths[:, None]
        return states.masked_fill(~inside[:, :, None], torch.finfo(states.dtype).min).amax(1)


class TransformerText(nn.Module):
    """A transformers encoder (BERT and its kin), pooled by the mean over the real tokens."""

    def __init__(self, encoder: nn.Module, width: int) -> None:
        """Take an encoder whose call returns `last_hidden_state` (B, T, width)."""
        super().__init__()
        self.encoder = encoder
        self.width = width

    def forward(self, tokens: Tensor) -> Tensor:
        """Map token ids (B, T), 0 being padding, to (B, width)."""
        inside = tokens != PAD
        hidden = self.encoder(input_ids=tokens, attention_mask=inside.long()).last_hidden_state
        weights = inside[:, :, None].to(hidden.dtype)
        return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)


class Projection(nn.Module):
    """A vector that was computed elsewhere (a frozen backbone's features), layer-normalised."""

    def __init__(self, width: int) -> None:
        """Take the width of the vectors."""
        super().__init__()
        self.width = width

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, width) to (B, width)."""
        return F.layer_norm(features, (self.width,))
