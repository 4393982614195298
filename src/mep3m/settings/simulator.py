"""Settings of the simulator: how many products, how many platforms, how dirty."""

from __future__ import annotations

from pydantic import Field

from mep3m.settings.base import Settings


class SimulatorSettings(Settings):
    """What to draw. The shares are of all rows; the same settings give the same bytes.

    `text` is the share of images with drawn text (46.6 % in MEP-3M), `duplicates` of rows that
    repeat another product, `noise` of rows filed under a wrong category, `defects` of rows that are
    broken in one of the known ways. `tail` is the Zipf exponent of the category sizes.
    """

    products: int = Field(1000, ge=1, le=20_000_000)
    platforms: int = Field(2, ge=2, le=6)
    seed: int = Field(0, ge=0)
    images: bool = True
    categories: int | None = Field(None, ge=4)
    text: float = Field(0.46, ge=0, le=1)
    duplicates: float = Field(0.1, ge=0, le=0.6)
    noise: float = Field(0.03, ge=0, le=0.5)
    defects: float = Field(0.03, ge=0, le=0.3)
    tail: float = Field(0.9, ge=0, le=2)
