"""Settings of the simulator: how many products, how many platforms, how dirty."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mep3m.settings.base import Settings


class SimulatorSettings(Settings):
    """What to draw. The shares are of all rows; the same settings give the same bytes.

    `text` is the share of images with drawn text (46.6 % in MEP-3M), `duplicates` of rows that
    repeat another product, `noise` of rows filed under a wrong category, `defects` of rows that are
    broken in one of the known ways. `tail` is the Zipf exponent of the category sizes. `vague` is
    how often titles point elsewhere: other classes' brands, gifts, fewer words of their own kind.
    """

    products: Annotated[int, Field(ge=1, le=20_000_000)] = 1000
    platforms: Annotated[int, Field(ge=2, le=6)] = 2
    seed: Annotated[int, Field(ge=0)] = 0
    images: bool = True
    categories: Annotated[int | None, Field(ge=4)] = None
    text: Annotated[float, Field(ge=0, le=1)] = 0.46
    duplicates: Annotated[float, Field(ge=0, le=0.6)] = 0.1
    noise: Annotated[float, Field(ge=0, le=0.5)] = 0.03
    defects: Annotated[float, Field(ge=0, le=0.3)] = 0.03
    tail: Annotated[float, Field(ge=0, le=2)] = 0.9
    vague: Annotated[float, Field(ge=0, le=1)] = 0.0
