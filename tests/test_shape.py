"""The figures that the code holds: sizes, nesting, depth, documentation, hints."""

import ast
from pathlib import Path
from statistics import median, quantiles

import pytest

ROOT = Path(__file__).parent.parent / "src" / "mep3m"
FILES = sorted(ROOT.rglob("*.py"))
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> dict[str, Function]:
    found: dict[str, Function] = {}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"] = node
    return found


def nesting(node: ast.AST, depth: int = 0) -> int:
    deepest = depth
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        # `elif` is an If inside the else branch of an If; it reads as the same depth
        chained = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deeper = depth + (isinstance(child, BLOCKS) and not chained)
        deepest = max(deepest, nesting(child, deeper))
    return deepest


def parameters(node: Function) -> int:
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return len([argument for argument in arguments if argument.arg not in ("self", "cls")])


def length(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def check(values: dict[str, int], p95: int, most: int, middle: int | None = None) -> None:
    over = {name: value for name, value in values.items() if value > most}
    assert not over, f"over {most}: {over}"
    assert quantiles(values.values(), n=20)[-1] <= p95
    assert middle is None or median(values.values()) <= middle


def test_files_are_short() -> None:
    check({str(p.relative_to(ROOT)): len(p.read_bytes().splitlines()) for p in FILES}, 350, 500, 110)


def test_functions_are_short() -> None:
    check({name: length(node) for name, node in functions().items()}, 45, 80, 12)


def test_functions_take_few_parameters() -> None:
    check({name: parameters(node) for name, node in functions().items()}, 5, 8)


def test_functions_are_flat() -> None:
    check({name: nesting(node) for name, node in functions().items()}, 2, 3)


@pytest.mark.parametrize(
    "folder", [ROOT, *(p for p in ROOT.rglob("*") if p.is_dir() and list(p.glob("*.py")))]
)
def test_folders_are_shallow_and_small(folder: Path) -> None:
    assert len(folder.relative_to(ROOT).parts) <= 2
    modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= 12, f"{folder.name} holds {len(modules)} modules"


def test_tests_keep_up_with_the_package() -> None:
    """The figure to hold is 1.0 to 1.6."""
    package = sum(len(path.read_bytes().splitlines()) for path in FILES)
    tests = sum(len(path.read_bytes().splitlines()) for path in Path(__file__).parent.rglob("*.py"))
    assert 1.0 <= tests / package <= 1.6, f"{tests} test lines for {package} lines"


def test_no_two_classes_share_a_name() -> None:
    places: dict[str, list[str]] = {}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
