"""The quality checks over a store: what fails one is dropped, with the check as its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from mep3m.errors import NotFoundError
from mep3m.settings.quality import QualitySettings
from mep3m.stages.base import Outcome
from mep3m.stages.quality.pictures import ImageFacts, image_reason, measure_image
from mep3m.stages.quality.titles import title_reasons
from mep3m.store import ContentImages, Reject
from mep3m.store.rejects import image_reject

#: every reason that this stage writes into `dropped`
REASONS = (
    "empty_title", "short_title", "long_title", "foreign_title", "missing_image", "broken_image",
    "tiny_image", "odd_aspect", "blank_image", "uniform_image", "blurred_image",
)  # fmt: skip


class QualityStage:
    """Drops products whose title or image fails a check; the title is looked at first.

    Rows that an earlier stage dropped keep their reason. An image that cannot be decoded also goes
    to quarantine, with what the decoder said.
    """

    name = "quality"

    def __init__(self, settings: QualitySettings) -> None:
        self._settings = settings

    def settings(self) -> Mapping[str, Any]:
        """Return the thresholds."""
        return self._settings.model_dump(mode="json")

    def process(self, shard: pa.Table, images: ContentImages) -> Outcome:
        """Return the shard with `dropped` filled in where a check fails."""
        by_title = title_reasons(shard["title"].combine_chunks(), self._settings)
        rows = shard.select(["id", "source", "image", "dropped", "file", "line"]).to_pylist()
        known: dict[str, tuple[str | None, ImageFacts]] = {}
        reasons: list[str | None] = []
        rejects: list[Reject] = []
        for row, title_reason in zip(rows, by_title.to_pylist(), strict=True):
            if row["dropped"] is not None or title_reason is not None:
                reasons.append(row["dropped"] or title_reason)
                continue
            reason, facts = self._look(row["image"], images, known)
            reasons.append(reason)
            if facts.problem is not None:
                rejects.append(image_reject("quality", row, facts.problem))
        column = shard.schema.get_field_index("dropped")
        dropped = pa.array(reasons, pa.string())
        return Outcome(shard.set_column(column, shard.schema.field("dropped"), dropped), rejects)

    def _look(
        self, image: str | None, images: ContentImages, known: dict[str, tuple[str | None, ImageFacts]]
    ) -> tuple[str | None, ImageFacts]:
        """Return the reason and the measures of an image; each content is measured once a shard."""
        if image is None:
            return ("missing_image" if self._settings.missing_image else None), ImageFacts()
        if image not in known:
            try:
                facts = measure_image(images.read(image), self._settings.max_pixels)
            except NotFoundError as error:
                facts = ImageFacts(problem=str(error))
            known[image] = (image_reason(facts, self._settings), facts)
        return known[image]
