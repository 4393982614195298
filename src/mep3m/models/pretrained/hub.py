"""Weights of the hub: those of its cache on this machine, else of the hub itself, which is asked briefly."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import timm
from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError
from timm.models import PretrainedCfg

from mep3m.errors import ModelError, words_of

#: seconds in which the hub has to say that it has the weights; asked without a bound, its client tries again
#: for most of a minute on a machine that has no network
PATIENCE = 4.0
#: what the hub calls the weights of a network of timm, the first that is there counts
_FILES = ("model.safetensors", "pytorch_model.bin")


def hub_network(name: str, config: PretrainedCfg) -> Any:
    """Return timm's network `name` with the weights that `config` names in the hub.

    Raises:
        ModelError: they are neither on this machine nor to be had within `PATIENCE` seconds; one line.
    """
    here = _cached(config)
    if here is None and (problem := _asked(config)):
        raise ModelError(f"not in the hub's cache on this machine, and the hub cannot be asked: {problem}")
    overlay = {"file": str(here)} if here is not None else {}
    try:
        return timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay)
    except Exception as error:  # the hub's client raises whatever the network leads to
        raise ModelError(" ".join(words_of(error).split())) from error


def _repository(config: PretrainedCfg) -> tuple[str, str | None, tuple[str, ...]]:
    """Return repository, revision and the names that the file may have."""
    repository, _, revision = str(config.hf_hub_id).partition("@")
    return repository, revision or None, (config.hf_hub_filename,) if config.hf_hub_filename else _FILES


def _cached(config: PretrainedCfg) -> Path | None:
    """Return the file of the weights in the hub's cache on this machine, `None` where there is none."""
    if not config.hf_hub_id:
        return None
    repository, revision, files = _repository(config)
    found = (try_to_load_from_cache(repository, file, revision=revision) for file in files)
    return next((Path(path) for path in found if isinstance(path, str)), None)


def _asked(config: PretrainedCfg) -> str:
    """Ask the hub, or the address of the weights, whether they are there; return why there is no answer.

    A name server that does not answer has no bound of its own, so the question is asked by a thread that may
    be left behind.
    """
    problems = [f"no answer in {PATIENCE:g} seconds"]

    def ask() -> None:
        try:
            _ask(config)
            problems[0] = ""
        except Exception as error:
            problems[0] = " ".join(words_of(error).split())

    thread = threading.Thread(target=ask, daemon=True, name="mep3m-hub")
    thread.start()
    thread.join(PATIENCE)
    return problems[0]


def _ask(config: PretrainedCfg) -> None:
    """Return where there is an answer; raise what the network leads to."""
    if not config.hf_hub_id:
        urlopen(Request(str(config.url), method="HEAD"), timeout=PATIENCE).close()
        return
    repository, revision, files = _repository(config)
    # otherwise the hub is there, and has the weights by another name
    with suppress(EntryNotFoundError):
        get_hf_file_metadata(hf_hub_url(repository, files[0], revision=revision), timeout=PATIENCE)
