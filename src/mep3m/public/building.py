"""Catalogues into a store, a whole project into a dataset and a classifier, and invented shops."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from mep3m.engine import bar, make_engine, silent
from mep3m.ingest.run import ingest as run_ingest
from mep3m.public.evaluation import Scores
from mep3m.public.inputs import ColumnNames, PathLike, column_fields, existing
from mep3m.public.product_set import ProductSet, load
from mep3m.public.runs import TrainedRun, load_run
from mep3m.recipes.build import build as run_build
from mep3m.settings.project import load_project
from mep3m.settings.simulator import SimulatorSettings
from mep3m.settings.sources import SourceEntry
from mep3m.simulator.simulation import Simulation
from mep3m.simulator.simulation import simulate as run_simulate
from mep3m.store import Store


@dataclass(frozen=True)
class BuildResult:
    """What a build made, below `folder`: the dataset, the classifier, the report, and what was refused.

    `scores` are those of the classifier on the products set aside (`None` without labels to learn).
    `refused` counts the rows and images in quarantine of all steps; `mep3m status FOLDER` says why.
    """

    folder: Path
    store: Store
    report: Path
    scores: Scores | None
    refused: int

    def load(self) -> ProductSet:
        """Open the dataset."""
        return load(self.store.folder)

    def load_run(self) -> TrainedRun:
        """Open the classifier.

        Raises:
            ModelError: the build trained none.
        """
        return load_run(self.folder / "model")


def ingest_catalogue(
    file: PathLike,
    store: PathLike,
    *,
    format: str | None = None,  # noqa: A002 - the name of the command's option
    name: str | None = None,
    encoding: str | None = None,
    taxonomy: PathLike | None = None,
    workers: int = 2,
    progress: bool = False,
    **columns: Unpack[ColumnNames],
) -> Store:
    """Read a platform's catalogue (a file or a folder) into the store in the folder `store`.

    The same call goes on after an interruption, and takes up a newer export of the same file. `format`
    and `encoding` are found out where they are not given, `name` (the platform's) is the file's.
    `image_root` is the folder, or an archive, that holds the images. `Store.rejects` has the rows
    that could not be read, with their reasons. With `progress`, counts are shown on standard error.

    Raises:
        NotFoundError: there is no such file or column.
        InputError: the file as a whole cannot be read.
        StoreError: the folder holds something else.

    Example:
        >>> world = mep3m.simulate("world", products=40, images=False, seed=2)
        >>> platform = world.platforms[1]
        >>> columns = {"title": "商品名称", "labels": ["一级类目", "二级类目"], "id": "商品编号"}
        >>> store = mep3m.ingest_catalogue(world.catalogue(platform), "one", **columns)
        >>> store.rows > 10, store.step
        (True, 'ingest')
    """
    path = existing(file)
    given = {
        "format": format,
        "encoding": encoding,
        "images": columns.get("image_root"),
        "taxonomy": taxonomy,
    }
    entry: dict[str, Any] = {
        "name": name or path.name.split(".")[0],
        "path": str(path),
        "columns": column_fields(columns),
        **{key: str(value) for key, value in given.items() if value is not None},
    }
    parsed = SourceEntry.parse(entry, "ingest_catalogue")
    shown = bar if progress else silent
    return run_ingest([parsed], Path(), Path(store), make_engine("local", workers), shown)


def build(
    project: PathLike,
    out: PathLike,
    *,
    workers: int = 2,
    engine: str = "local",
    progress: bool = False,
) -> BuildResult:
    """Run every step of a project file (`mep3m.toml`) into `out`, or go on where a build stopped.

    `engine` is local or ray. With `progress`, counts and rates are shown on standard error.

    Raises:
        NotFoundError: there is no such file.
        SettingsError: the project file has an unknown key or a value that is not allowed.
        UsageError: the sources gave no product.

    Example:
        >>> world = mep3m.simulate("shops", products=80, images=False, seed=5)
        >>> built = mep3m.build(world.project, "built", workers=1)
        >>> len(built.load()) > 50, built.report.name
        (True, 'report.html')
        >>> built.load_run().predict(["全价猫粮 成猫 1.5kg"]).columns[0]
        'id'
    """
    path = Path(project)
    shown = bar if progress else silent
    made = run_build(load_project(path), path.parent, Path(out), make_engine(engine, workers), shown)
    refused = sum(int(store.manifest["rejects"]) for store in made.stores.values())
    scores = Scores.of(made.scores) if made.scores is not None else None
    return BuildResult(made.folder, made.dataset, made.report, scores, refused)


def simulate(
    out: PathLike,
    *,
    products: int = 1000,
    platforms: int = 2,
    seed: int = 0,
    images: bool = True,
    workers: int = 1,
    **settings: Any,
) -> Simulation:
    """Draw the catalogues of invented shops into `out`, with a project file and the truth about them.

    The same arguments give the same bytes. `settings` are the other ones of `mep3m simulate`:
    categories, text, duplicates, noise, defects, tail, vague.

    Raises:
        SettingsError: a setting is unknown, or its value not allowed.
        UsageError: the folder holds something else.

    Example:
        >>> world = mep3m.simulate("world", products=40, images=False, seed=2)
        >>> world.project.name, len(world.platforms)
        ('mep3m.toml', 2)
    """
    given = {"products": products, "platforms": platforms, "seed": seed, "images": images, **settings}
    return run_simulate(Path(out), SimulatorSettings.parse(given, "simulate"), workers)
