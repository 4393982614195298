"""The parts of one desk that its pages share: opened together, and closed together."""

from __future__ import annotations

from dataclasses import dataclass

from mep3m.database import Database
from mep3m.desk.accounts.door import Door
from mep3m.desk.accounts.registry import accounts
from mep3m.desk.filing.served import DeskAccess, access_of, service_or_why
from mep3m.desk.folder import DeskFolder
from mep3m.desk.index.keeper import IndexKeeper
from mep3m.desk.index.readings import Readings
from mep3m.desk.linking.desk_links import DeskLinks
from mep3m.desk.pages import Pages
from mep3m.desk.reviewing.reviewing import Reviewing
from mep3m.desk.settings import DeskSettings
from mep3m.service.service import Service


@dataclass(frozen=True)
class Desk:
    """What every page of a desk may ask.

    `service` answers for the run that lies in the folder; where there is none, `why_no_service` says why.
    """

    settings: DeskSettings
    folder: DeskFolder
    people: Database
    door: Door
    pages: Pages
    index: IndexKeeper
    readings: Readings
    links: DeskLinks
    reviewing: Reviewing
    access: DeskAccess
    service: Service | None
    why_no_service: str

    @classmethod
    def open(cls, settings: DeskSettings) -> Desk:
        """Open everything that lies in the folder of a desk.

        Raises:
            Mep3mError: the folder holds nothing that can be shown, or what the desk keeps there is damaged.
        """
        folder = DeskFolder.open(settings.folder)
        people = accounts(folder)
        door = Door(settings, people)
        access = access_of(settings, folder, door)
        service, why = service_or_why(settings, folder, access)
        return cls(
            settings, folder, people, door, Pages(folder.path, door), IndexKeeper(folder),
            Readings(folder), DeskLinks(folder, settings.project), Reviewing.of(folder), access, service, why,
        )  # fmt: skip

    def begin(self) -> None:
        """Begin what is made in the background."""
        self.links.begin()
        self.index.begin()

    def close(self) -> None:
        """End what is made in the background, and close every file."""
        self.index.close()
        self.readings.close()
        self.links.close()
        self.reviewing.database.close()
        self.access.close()
        self.people.close()
