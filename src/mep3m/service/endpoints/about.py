"""The endpoints about the service: readiness, metrics, the card of the run."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Response
from prometheus_client import CONTENT_TYPE_LATEST

from mep3m.service.access import NEEDS_KEY
from mep3m.service.endpoints.questions import Ready, refusals
from mep3m.service.metrics import exposition
from mep3m.service.service import Service
from mep3m.store.json_files import read_json
from mep3m.wording import without_folders


def routes(service: Service) -> APIRouter:
    """Return the endpoints about the service."""
    router = APIRouter(tags=["about the service"])
    reader = [Depends(service.access.reads("assign"))]
    admin = [Depends(service.access.reads("admin"))]

    @router.get("/ready")
    async def ready() -> Ready:
        """Name the version that answers; open to everybody."""
        version = service.version
        trouble = service.served.trouble and without_folders(service.served.trouble)
        return Ready(version=version.id, loaded=version.loaded, trouble=trouble)

    @router.get("/metrics", dependencies=admin, responses=NEEDS_KEY, response_class=Response)
    def metrics() -> Response:
        """Give the numbers of all workers to Prometheus."""
        return Response(exposition(), media_type=CONTENT_TYPE_LATEST)

    @router.get(
        "/card", dependencies=reader, responses=NEEDS_KEY | refusals(s404="The run has no metric card.")
    )
    def card() -> Any:
        """Give the metric card of the run."""
        path = service.version.run.folder / "card.json"
        if not path.exists():
            raise HTTPException(404, "this run has no metric card; make one with 'mep3m evaluate'")
        return read_json(path)

    return router
