"""Line and point charts as SVG files, the same bytes for the same figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("svg")
matplotlib.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "mep3m", "axes.spines.top": False}
matplotlib.rcParams |= {"axes.spines.right": False, "axes.grid": True, "grid.color": "#dddddd"}

from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

Points = Sequence[tuple[float, float, str]]


def lines(path: Path, title: str, axes: tuple[str, str], series: Mapping[str, Points]) -> None:
    """Draw a line for each series of (x, y, ignored); y starts at 0."""
    figure, drawn = _figure(title, axes)
    for name, points in series.items():
        drawn.plot([x for x, _, _ in points], [y for _, y, _ in points], label=name, linewidth=1.8)
    drawn.set_ylim(bottom=0)
    _save(figure, drawn, path)


def dots(path: Path, title: str, axes: tuple[str, str], series: Mapping[str, Points]) -> None:
    """Draw a dot with its label for each (x, y, label) of each series."""
    figure, drawn = _figure(title, axes)
    for name, points in series.items():
        marks = drawn.scatter([x for x, _, _ in points], [y for _, y, _ in points], label=name, s=28)
        colour = np.asarray(marks.get_facecolor())[0].tolist()
        for place, (x, y, label) in enumerate(sorted(points)):  # neighbours: one above, one below
            offset = (4, -11 if place % 2 else 5)
            drawn.annotate(label, (x, y), offset, textcoords="offset points", fontsize=8, color=colour)
    drawn.margins(x=0.12, y=0.1)
    _save(figure, drawn, path)


def bands(
    path: Path,
    title: str,
    axes: tuple[str, str],
    series: Mapping[str, Sequence[tuple[float, float, float, float]]],
) -> None:
    """Draw a line with marks for each series of (x, y, low, high), and a band between low and high."""
    figure, drawn = _figure(title, axes)
    for name, points in series.items():
        x, y, low, high = zip(*points, strict=True)
        drawn.plot(x, y, label=name, linewidth=1.8, marker="o", markersize=3.5)
        drawn.fill_between(x, low, high, alpha=0.15)
    _save(figure, drawn, path)


def _figure(title: str, axes: tuple[str, str]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(8, 5.6), layout="constrained")
    drawn = figure.add_subplot()
    drawn.set(title=title, xlabel=axes[0], ylabel=axes[1])
    drawn.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    return figure, drawn


def _save(figure: Figure, drawn: Axes, path: Path) -> None:
    if len(drawn.get_legend_handles_labels()[0]) > 1:
        drawn.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", metadata={"Date": None})
