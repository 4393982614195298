"""The parts of one desk that its pages share."""

from __future__ import annotations

from dataclasses import dataclass

from mep3m.desk.accounts.door import Door
from mep3m.desk.folder import DeskFolder
from mep3m.desk.pages import Pages
from mep3m.desk.settings import DeskSettings
from mep3m.service.service import Service


@dataclass(frozen=True)
class Desk:
    """What every page of a desk may ask."""

    settings: DeskSettings
    folder: DeskFolder
    door: Door
    pages: Pages
    #: what answers for the run that lies in the folder; `why_no_service` says why there is none
    service: Service | None = None
    why_no_service: str = ""
