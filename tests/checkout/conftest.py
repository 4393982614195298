"""What the tests of the checkout share."""

from pathlib import Path

import pytest

from mep3m.checkout.cuts import CutProducts
from mep3m.representations.records import Encoder
from mep3m.representations.weights import open_encoders
from tests.checkout.made import cut_folder
from tests.representations.small import tiny_network


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an image network of a few thousand weights."""
    return tiny_network(tmp_path_factory.mktemp("encoder") / "tiny")


@pytest.fixture(scope="session")
def encoder(tiny_encoder: Path) -> Encoder:
    return open_encoders("image", [str(tiny_encoder)])[0]


@pytest.fixture(scope="session")
def cut(tmp_path_factory: pytest.TempPathFactory) -> CutProducts:
    """Ten products of different colours, cut out."""
    return cut_folder(tmp_path_factory.mktemp("products") / "e", 10)
