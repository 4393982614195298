"""What a person may narrow the products down to."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

YesNo = Literal["", "yes", "no"]


class ProductFilters(BaseModel):
    """Filters as they stand in an address; what is empty is not asked.

    `quality` is `kept`, `dropped`, `all` or a reason; `origin` that of any label, or `none`; `twins` whether
    other products are in the duplicate group, `group` the id of a product of the one that is shown. `after`
    and `before` are rows: the page behind or before.
    """

    model_config = ConfigDict(extra="ignore")

    q: str = ""
    category: str = ""
    platform: str = ""
    level: str = Field("", pattern=r"^[0-9]{0,3}$")
    quality: str = "kept"
    origin: str = ""
    twins: YesNo = ""
    group: str = ""
    image: YesNo = ""
    ocr: YesNo = ""
    after: int = Field(0, ge=0, lt=2**62)
    before: int = Field(0, ge=0, lt=2**62)

    def asked(self) -> dict[str, str]:
        """Return what differs from no filter at all, without the page."""
        values = self.model_dump(exclude={"after", "before"})
        return {name: value for name, value in values.items() if value != _NONE[name]}


_NONE = {name: field.default for name, field in ProductFilters.model_fields.items()}
