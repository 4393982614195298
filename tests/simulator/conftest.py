import pytest

from mep3m.simulator import Simulation, SimulatorSettings, simulate

SETTINGS = SimulatorSettings(products=400, platforms=4, seed=3, defects=0.3)


@pytest.fixture(scope="session")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """Four shops with many defects."""
    return simulate(tmp_path_factory.mktemp("shops") / "world", SETTINGS)
