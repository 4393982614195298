"""The processes of a service: one, or several that share an address."""

from __future__ import annotations

import logging
import os
import socket
import sys
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from mep3m.errors import UsageError
from mep3m.service.settings import ServiceSettings

#: where a worker process finds the settings (JSON) and the folder that it shares with the others
_SETTINGS, _FOLDER = "MEP3M_SERVICE", "MEP3M_SERVICE_FOLDER"
#: seconds in which requests may still be answered after the signal to stop
GRACE = 30
_KEYS = "make keys with 'mep3m keys add' and give --keys"


def listen(host: str, port: int, guarded: bool, remedy: str = _KEYS) -> socket.socket:
    """Return a listening socket; `guarded` says that nobody is let in without a key or an account.

    Raises:
        UsageError: the address is not of this machine alone and nothing guards it, or it cannot be had.
    """
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}:{port} ({error.strerror}); choose another --host or --port"
        ) from None
    if not guarded and not ip_address(found.getsockname()[0]).is_loopback:
        found.close()
        raise UsageError(f"{host} can be reached from other machines: {remedy}, or listen on 127.0.0.1")
    found.listen(2048)  # who reads the next line may ask at once
    return found


def address_of(host: str, listening: socket.socket) -> str:
    """Return the address that a browser finds a listening socket at."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}"


def run_one(app: FastAPI, listening: socket.socket) -> None:
    """Answer in this process, until a signal to stop; what was asked before is answered still."""
    log_to_stderr()
    uvicorn.Server(_config(app, 1)).run(sockets=[listening])


def run_many(settings: ServiceSettings, listening: socket.socket, workers: int) -> None:
    """Answer in several processes; one that ends is started again.

    Raises:
        Mep3mError: the service cannot be put together.
    """
    with TemporaryDirectory(prefix="mep3m-service-") as folder:
        shared = Path(folder)
        (shared / "metrics").mkdir()
        os.environ |= {
            _SETTINGS: settings.model_dump_json(),
            _FOLDER: folder,
            "PROMETHEUS_MULTIPROC_DIR": str(shared / "metrics"),
        }
        config = _config("mep3m.service.workers:worker", workers)
        Multiprocess(config, [listening]).run()


def worker() -> FastAPI:
    """Return the application of one of several processes."""
    from mep3m.service.app import create_app

    log_to_stderr()
    settings = ServiceSettings.model_validate_json(os.environ[_SETTINGS])
    return create_app(settings, shared=Path(os.environ[_FOLDER]))


def log_to_stderr() -> None:
    """Write what happens, and a line of JSON for each request, to standard error."""
    for name, form in (("mep3m.service", "%(levelname)s %(message)s"), ("mep3m.access", "%(message)s")):
        log = logging.getLogger(name)
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter(form))
        log.handlers[:] = [handler]
        log.setLevel(logging.INFO)
        log.propagate = False


def _config(app: FastAPI | str, workers: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
        timeout_keep_alive=30,
    )
