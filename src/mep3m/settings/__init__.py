"""Typed settings: one class a stage, one file an idea; `project.py` joins them into `mep3m.toml`."""

from mep3m.settings.base import Settings

__all__ = ["Settings"]
