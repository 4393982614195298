"""The one training loop and its parts: augmentation, optimisers, checkpoints, progress."""

from mep3m.training.loop.fit import fit

__all__ = ["fit"]
