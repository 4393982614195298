"""What a desk is opened with."""

from __future__ import annotations

from pathlib import Path

from mep3m.service.settings import ServiceLimits
from mep3m.settings.base import Settings


class DeskSettings(Settings):
    """Which folder is opened, and for whom.

    `folder` is what `mep3m build` made, a store or a run. Without accounts and without `keys` whoever sits at
    this machine is `person`, and may do everything. `promise` is the promise that products are filed under,
    where it is not in the folder, `answers` files of answers that lie elsewhere. `project` is the project
    file whose first level and `[merge]` count when links are applied.
    """

    folder: Path
    keys: Path | None = None
    promise: Path | None = None
    answers: tuple[Path, ...] = ()
    person: str = "me"
    project: Path | None = None
    limits: ServiceLimits = ServiceLimits()
