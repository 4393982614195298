"""Invented shops with a known truth: catalogues, images, and what is really so."""

from mep3m.settings.simulator import SimulatorSettings
from mep3m.simulator.simulation import Simulation, simulate

__all__ = ["Simulation", "SimulatorSettings", "simulate"]
