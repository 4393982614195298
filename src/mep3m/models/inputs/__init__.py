"""Product rows to arrays: token ids, pixels, features."""

from mep3m.models.inputs.columns import CHUNK, Coder, Inputs, Modality, Stored, Tokens, texts_of

__all__ = ["CHUNK", "Coder", "Inputs", "Modality", "Stored", "Tokens", "texts_of"]
