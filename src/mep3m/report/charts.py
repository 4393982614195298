"""Plotly charts as HTML fragments; the page that holds them carries Plotly's JavaScript once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

#: one colour for single-series charts; the rest of the page is grey. All are read on white and on black: a
#: drawn chart does not follow the reader's colour scheme
INK, TEXT, GRID, NONE = "#3a83b4", "#7a8896", "rgba(128, 140, 150, 0.25)", "rgba(0, 0, 0, 0)"


def bars(counts: Mapping[Any, float], x: str, y: str, *, log: bool = False) -> str:
    """Draw one bar a key, in the order given."""
    trace = go.Bar(x=[str(key) for key in counts], y=list(counts.values()), marker_color=INK)
    return _html(trace, x, y, log=log)


def horizontal_bars(counts: Mapping[str, float], x: str) -> str:
    """Draw one horizontal bar a key, the first on top; the height follows their number."""
    figure = go.Figure(go.Bar(y=list(counts), x=list(counts.values()), orientation="h", marker_color=INK))
    figure.update_yaxes(autorange="reversed", type="category")
    return _render(figure, x, "", height=90 + 24 * len(counts))


def histogram(counts: Mapping[int, int], x: str, y: str) -> str:
    """Draw counted integers, e.g. title lengths, as touching bars."""
    return _html(go.Bar(x=list(counts), y=list(counts.values()), marker_color=INK, width=1), x, y)


def curve(points: Sequence[float], x: str, y: str, *, log: bool = False) -> str:
    """Draw values against their rank, e.g. the long tail of class sizes."""
    ranks = list(range(1, len(points) + 1))
    trace = go.Scatter(x=ranks, y=list(points), mode="lines", fill="tozeroy", line_color=INK)
    return _html(trace, x, y, log=log)


def scatter(points: Sequence[Mapping[str, Any]], x: str, y: str, *, log_x: bool = False) -> str:
    """Draw points with the keys `x`, `y` and `name` (shown on hover)."""
    trace = go.Scatter(
        x=[point["x"] for point in points],
        y=[point["y"] for point in points],
        text=[point["name"] for point in points],
        mode="markers",
        marker={"color": INK, "opacity": 0.6},
    )
    figure = go.Figure(trace)
    figure.update_xaxes(type="log" if log_x else None)
    return _render(figure, x, y)


def band(points: Sequence[tuple[float, float, tuple[float, float], str]], x: str, y: str) -> str:
    """Draw a curve of (x, y) with the interval of each y around it, and a text for each point on hover."""
    xs = [point[0] for point in points]
    lows, highs = ([point[2][end] for point in points] for end in (0, 1))
    figure = go.Figure(
        [
            go.Scatter(
                x=[*xs, *xs[::-1]], y=[*highs, *lows[::-1]], fill="toself",
                fillcolor="rgba(58, 131, 180, 0.2)", line={"width": 0}, hoverinfo="skip", name="95 %",
            ),
            go.Scatter(
                x=xs, y=[point[1] for point in points], text=[point[3] for point in points], name="right",
                mode="lines+markers", line={"color": INK}, marker={"size": 6},
            ),
        ]
    )  # fmt: skip
    figure.update_layout(showlegend=False)
    return _render(figure, x, y)


def reliability(series: Mapping[str, Sequence[tuple[float, float, int]]], x: str, y: str) -> str:
    """Draw (confidence, share right, rows) of each bin over the line of perfect calibration.

    The area of a mark follows its rows, so that a bin of two rows does not look like one of a thousand.
    """
    figure = go.Figure(
        go.Scatter(x=[0, 1], y=[0, 1], mode="lines", name="perfect", line={"color": "#999", "dash": "dot"})
    )
    for name, points in series.items():
        most = max((point[2] for point in points), default=1)
        figure.add_trace(
            go.Scatter(
                x=[point[0] for point in points],
                y=[point[1] for point in points],
                text=[f"{point[2]:,} rows" for point in points],
                mode="lines+markers",
                name=name,
                line={"width": 1},
                marker={"size": [4 + 20 * (point[2] / most) ** 0.5 for point in points], "opacity": 0.7},
            )
        )
    # above the lines: beside them it would leave a phone no room
    figure.update_layout(legend={"orientation": "h", "y": 1, "yanchor": "bottom"})
    return _render(figure, x, y)


def tree(nodes: Sequence[Mapping[str, Any]]) -> str:
    """Draw a hierarchy (Fig 9) of nodes with `id`, `name`, `parent` ('' at the top) and `samples`."""
    trace = go.Sunburst(
        ids=[node["id"] for node in nodes],
        labels=[node["name"] for node in nodes],
        parents=[node["parent"] for node in nodes],
        values=[node["samples"] for node in nodes],
        branchvalues="total",
        maxdepth=3,
        insidetextorientation="radial",
    )
    figure = go.Figure(trace)
    return _render(figure, "", "", height=720, side=10)


def _html(trace: Any, x: str, y: str, *, log: bool = False) -> str:
    figure = go.Figure(trace)
    if log:
        figure.update_yaxes(type="log")
    return _render(figure, x, y)


def _render(figure: Any, x: str, y: str, height: int = 360, side: int = 60) -> str:
    figure.update_layout(
        template="plotly_white",
        height=height,
        margin={"l": side, "r": min(side, 20), "t": 20, "b": 50},
        font={"family": "system-ui, 'Noto Sans CJK SC', sans-serif", "size": 13, "color": TEXT},
        paper_bgcolor=NONE,
        plot_bgcolor=NONE,
        xaxis_title=x,
        yaxis_title=y,
    )
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(gridcolor=GRID, zerolinecolor=GRID, linecolor=GRID)
    options = {"full_html": False, "include_plotlyjs": False, "config": {"displaylogo": False}}
    name = hashlib.sha256(figure.to_json().encode()).hexdigest()[:16]  # Plotly's own is another in every run
    return str(figure.to_html(**options, div_id=f"chart-{name}"))
