"""The public names: sorted, lazy, documented, their examples run."""

import doctest
import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import mep3m
from mep3m import _PLACES
from tests.public.conftest import shop_rows

NAMES = [name for name in mep3m.__all__ if name != "errors"]


def test_the_names_are_sorted_and_are_all_that_dir_shows() -> None:
    assert sorted(mep3m.__all__) == mep3m.__all__
    assert dir(mep3m) == sorted([*mep3m.__all__, "__version__"])
    assert sorted(name for names in _PLACES.values() for name in names) == NAMES


def test_every_name_is_there_and_comes_from_where_type_checkers_are_told() -> None:
    source = Path(str(mep3m.__file__)).read_text(encoding="utf-8")
    for place, names in _PLACES.items():
        assert f"    from {place} import {', '.join(names)}\n" in source
        for name in names:
            assert getattr(mep3m, name) is getattr(importlib.import_module(place), name)
    assert mep3m.errors.UsageError.__module__ == "mep3m.errors"


def test_no_name_is_that_of_a_package_which_an_import_would_put_in_its_place() -> None:
    folders = {path.stem for path in Path(str(mep3m.__file__)).parent.iterdir()}
    assert folders & set(mep3m.__all__) == {"errors"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = mep3m.trian


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, mep3m; dir(mep3m); print([m for m in sys.modules if m.startswith('mep3m.')], "
    code += "[m for m in ('numpy', 'pyarrow', 'pydantic', 'torch', 'duckdb') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[] []\n"


def test_opening_a_table_and_predicting_titles_loads_no_torch(run_folder_str: str) -> None:
    code = f"import sys, mep3m; mep3m.load_run({run_folder_str!r}).predict(['苹果'])\n"
    code += "print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("name", NAMES)
def test_every_name_and_every_public_member_has_a_docstring(name: str) -> None:
    thing = getattr(mep3m, name)
    assert inspect.getdoc(thing)
    for member, value in vars(thing).items() if inspect.isclass(thing) else ():
        if not member.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
            assert inspect.getdoc(value), f"{name}.{member}"


@pytest.mark.parametrize(
    "name", [name for name in NAMES if ">>>" in (inspect.getdoc(getattr(mep3m, name)) or "")]
)
def test_the_examples_of_a_docstring_run(
    name: str, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").symlink_to(run.folder)
    given = {"mep3m": mep3m, "rows": shop_rows()}
    finder = doctest.DocTestFinder(recurse=False)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    for test in finder.find(getattr(mep3m, name), name, globs=given):
        assert doctest.DocTestRunner(optionflags=flags).run(test).failed == 0


@pytest.mark.parametrize(
    "name", ["build", "evaluate", "ingest_catalogue", "load", "propose", "simulate", "train"]
)
def test_functions_have_examples(name: str) -> None:
    assert ">>>" in (inspect.getdoc(getattr(mep3m, name)) or "")
