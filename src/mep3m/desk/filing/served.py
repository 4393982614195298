"""The service within a desk: the same endpoints, behind the desk's door."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Request, Security

from mep3m.desk.accounts.door import Door
from mep3m.desk.accounts.people import Role
from mep3m.desk.folder import DeskFolder
from mep3m.desk.settings import DeskSettings
from mep3m.errors import Mep3mError
from mep3m.service.access import HEADER, Access
from mep3m.service.keys import Scope
from mep3m.service.service import Service
from mep3m.service.settings import ServiceSettings

LOG = logging.getLogger("mep3m.service")
#: what a person has to be for what a key of a scope opens
ROLES: dict[Scope, Role] = {"assign": "reader", "review": "reviewer", "admin": "admin"}
_COUNTS = "quota.sqlite"


class DeskAccess:
    """A key of a program, with its scope and quota, or the session of a person, with their role."""

    def __init__(self, door: Door, keys: Access) -> None:
        self._door = door
        self._keys = keys

    def needs(self, scope: Scope) -> Callable[..., Any]:
        """Return the dependency of an endpoint that is for this scope; what it is asked changes nothing."""
        enter = self._door.asks(ROLES[scope])
        if self._keys.open:
            return enter

        async def check(request: Request, given: Annotated[str | None, Security(HEADER)] = None) -> None:
            if given is None:
                await enter(request)
            else:
                self._keys.admit(request, given, scope)

        return check

    def reads(self, scope: Scope) -> Callable[..., Any]:
        """Return the dependency of a page; a browser comes with the session of who signed in."""
        return self.needs(scope)

    def close(self) -> None:
        """Close the file of the quotas."""
        self._keys.close()


def access_of(settings: DeskSettings, folder: DeskFolder, door: Door) -> DeskAccess:
    """Return who may ask the service of a desk."""
    return DeskAccess(door, Access(settings.keys, folder.own / _COUNTS))


def service_or_why(
    settings: DeskSettings, folder: DeskFolder, access: DeskAccess
) -> tuple[Service | None, str]:
    """Return the service of the folder's run, or why there is none: the other pages open without it."""
    try:
        return service_of(settings, folder, access), "" if folder.run is not None else "no run"
    except Mep3mError as error:
        LOG.error("the run is not served: %s", error)
        return None, str(error)


def service_of(settings: DeskSettings, folder: DeskFolder, access: DeskAccess) -> Service | None:
    """Return the service of the run in a folder, under the promise there; `None` without a run.

    Raises:
        Mep3mError: the run or the promise is damaged, or they do not fit each other.
    """
    if folder.run is None:
        return None
    given = ServiceSettings(
        run=folder.run, promise=settings.promise, awaited=tuple(folder.promises), keys=settings.keys,
        limits=settings.limits,
    )  # fmt: skip
    return Service.assemble(given, access)
