"""Where a pre-trained network looks at a dataset's images."""

from __future__ import annotations

from mep3m.settings.base import Settings


class EyesSettings(Settings):
    """What the packaged network looks at, where 'mep3m[train]' is installed; nothing is downloaded.

    Attributes:
        report: the report shows the nearest products by what it sees, of some 600 images.
    """

    report: bool = True
