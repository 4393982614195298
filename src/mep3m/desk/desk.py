"""The parts of one desk that its pages share."""

from __future__ import annotations

from dataclasses import dataclass

from mep3m.desk.accounts.door import Door
from mep3m.desk.folder import DeskFolder
from mep3m.desk.index.keeper import IndexKeeper
from mep3m.desk.index.readings import Readings
from mep3m.desk.linking.desk_links import DeskLinks
from mep3m.desk.pages import Pages
from mep3m.desk.reviewing.reviewing import Reviewing
from mep3m.desk.settings import DeskSettings


@dataclass(frozen=True)
class Desk:
    """What every page of a desk may ask."""

    settings: DeskSettings
    folder: DeskFolder
    door: Door
    pages: Pages
    index: IndexKeeper
    readings: Readings
    links: DeskLinks
    reviewing: Reviewing
