"""Small line and point charts as SVG files, for the OCR benchmarks."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mep3m.store.files import whole_file

WIDTH, HEIGHT, LEFT, BOTTOM = 720, 400, 70, 50
COLOURS = ("#1864ab", "#c2120f", "#2b8a3e", "#e8590c")
Points = Sequence[tuple[float, float, str]]


def chart(path: Path, title: str, axes: tuple[str, str], series: Mapping[str, Points], line: bool) -> None:
    """Draw series of (x, y, label) points; y starts at 0 for lines, near the lowest point for dots."""
    every = [point for points in series.values() for point in points]
    xs, ys = [x for x, _, _ in every], [y for _, y, _ in every]
    low = 0.0 if line else min(ys) - 0.02
    high = max(ys) * (1.1 if line else 1.005)

    def at(x: float, y: float) -> tuple[float, float]:
        across, up = x / (max(xs) * 1.08 or 1), (y - low) / (high - low or 1)
        return LEFT + across * (WIDTH - LEFT - 20), HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - 40)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
    ]
    parts.append(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>')
    parts.append(f'<text x="{WIDTH / 2}" y="22" text-anchor="middle" font-size="15">{title}</text>')
    for step in range(6):
        value, along = low + (high - low) * step / 5, max(xs) * step / 5
        (_, y), (x, _) = at(0, value), at(along, low)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{y:.0f}" y2="{y:.0f}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{LEFT - 6}" y="{y + 4:.0f}" text-anchor="end" font-size="11">{value:.3g}</text>'
        )
        parts.append(
            f'<text x="{x:.0f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle" '
            f'font-size="11">{along:.5g}</text>'
        )
    parts.append(
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle" font-size="12">{axes[0]}</text>'
        f'<text x="16" y="{HEIGHT / 2}" font-size="12" text-anchor="middle" '
        f'transform="rotate(-90 16 {HEIGHT / 2})">{axes[1]}</text>'
    )
    for colour, (name, points), row in zip(COLOURS, series.items(), range(4), strict=False):
        placed = [at(x, y) for x, y, _ in points]
        parts.append(
            f'<text x="{WIDTH - 30}" y="{48 + 16 * row}" text-anchor="end" '
            f'font-size="12" fill="{colour}">{name}</text>'
        )
        if line:
            path_points = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
            parts.append(f'<polyline points="{path_points}" fill="none" stroke="{colour}" stroke-width="2"/>')
            continue
        for (x, y), (_, _, label) in zip(placed, points, strict=True):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
            parts.append(
                f'<text x="{x + 6:.1f}" y="{y - 5:.1f}" font-size="10" fill="{colour}">{label}</text>'
            )
    with whole_file(path) as temporary:
        temporary.write_text("\n".join([*parts, "</svg>"]), encoding="utf-8")
