"""Teach a trained run new classes from a few products."""

from mep3m.recipes.learning.learn import Learned, LearnSettings, learn_run

__all__ = ["LearnSettings", "Learned", "learn_run"]
