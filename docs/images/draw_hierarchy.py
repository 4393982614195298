"""Draw the three hierarchical networks: python docs/images/draw_hierarchy.py writes three SVG files."""

from __future__ import annotations

from pathlib import Path

LEVELS = ("level 1 (coarse)", "level 2", "level 3 (fine)")
STYLE = (
    "text{font:13px sans-serif;text-anchor:middle;dominant-baseline:central;fill:#222}"
    ".box{fill:#eef3fb;stroke:#3b6ea8}.head{fill:#fdf1e3;stroke:#b3701f}"
    ".line{stroke:#333;fill:none;marker-end:url(#tip)}.skip{stroke-dasharray:4 4}"
)
TIP = (
    '<marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="#333"/></marker>'
)


def box(x: int, y: int, text: str, kind: str = "box") -> str:
    """Return a box with its centre at (x, y)."""
    return (
        f'<rect class="{kind}" x="{x - 58}" y="{y - 17}" width="116" height="34" rx="6"/>'
        f'<text x="{x}" y="{y}">{text}</text>'
    )


def line(path: str, skip: bool = False) -> str:
    """Return an arrow; a skip connection is dotted."""
    return f'<path class="line{" skip" if skip else ""}" d="{path}"/>'


def chain(order: tuple[int, ...]) -> str:
    """Return the network whose dense layers follow each other in this order of levels."""
    parts = [box(70, 120, "features"), line("M128 120H172")]
    for place, level in enumerate(order):
        x = 230 + 160 * place
        parts += [
            box(x, 120, "dense layers"),
            box(x, 40, LEVELS[level], "head"),
            line(f"M{x} 103V57"),
        ]
        if place:
            parts.append(line(f"M{x - 102} 120H{x - 58}"))
            low = 160 + 20 * place
            parts.append(line(f"M70 137V{low}H{x}V137", skip=True))
    return "".join(parts)


def together() -> str:
    """Return the network whose classifiers all read the same dense layers."""
    parts = [box(70, 120, "features"), line("M128 120H332"), box(390, 120, "dense layers")]
    parts.append(line("M70 137V180H390V137", skip=True))
    for place, name in enumerate(LEVELS):
        x = 230 + 160 * place
        parts += [box(x, 40, name, "head"), line(f"M390 103V80H{x}V57")]
    return "".join(parts)


def main() -> None:
    """Write the three files."""
    drawings = {
        "coarse-to-fine": chain((0, 1, 2)),
        "fine-to-coarse": chain((2, 1, 0)),
        "coarse-and-fine": together(),
    }
    for name, body in drawings.items():
        text = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 630 220" role="img" aria-label="{name}">'
            f'<style>{STYLE}</style>{TIP}<rect width="630" height="220" fill="#fff"/>{body}</svg>\n'
        )
        Path(__file__).with_name(f"hierarchy-{name}.svg").write_text(text)


if __name__ == "__main__":
    main()
