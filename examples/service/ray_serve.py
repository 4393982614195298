"""The service under Ray Serve, for several machines or replicas that come and go.

    pip install 'mep3m[ray-serve]'
    serve run examples.service.ray_serve:application run=runs/text replicas=2 keys=keys.json

Each replica is the whole service with its own queue before the model (`async-batcher`; Ray's `@serve.batch`
would be a second one), watches the files of the run and changes with them. Ray Serve shares the requests out
among the replicas and starts those that die again. On one machine the replicas count the quotas of keys
together in the folder `shared`; on several machines each counts for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI
from ray import serve
from ray.serve import Application

from mep3m.service.app import create_app
from mep3m.service.settings import ServiceSettings

#: settings of the service that are paths; a replica has another working folder
_PATHS = ("run", "promise", "edits", "keys", "images")


def application(given: Mapping[str, str]) -> Application:
    """Return what Ray Serve deploys: settings of the service by name, `replicas` and `shared`.

    Raises:
        SettingsError: a name is unknown, or a value is not allowed.
    """
    values = dict(given)
    replicas, shared = int(values.pop("replicas", "1")), values.pop("shared", None)
    paths = {name: str(Path(values[name]).absolute()) for name in _PATHS if name in values}
    settings = ServiceSettings.parse({**values, **paths}, "serve run")
    counts = Path(shared).absolute() if shared is not None else None

    def build() -> FastAPI:
        return create_app(settings, shared=counts)

    deployment = serve.deployment(
        name="mep3m",
        num_replicas=replicas,
        max_ongoing_requests=settings.limits.waiting,  # so that requests can meet in the queue of a replica
    )
    return deployment(serve.ingress(build)()).bind()
