from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mep3m.errors import FormatError
from mep3m.product import Product, to_table
from mep3m.simulator import Simulation
from mep3m.store import ContentImages, Plan, Store, StoreWriter
from mep3m.store.filesystem import inside


@pytest.fixture(scope="session")
def truth_rows(shops: Simulation) -> list[dict[str, object]]:
    rows = pq.read_table(shops.products).to_pylist()
    return [row for row in rows if row["defect"] not in ("broken_row", "repeated_id")]


@pytest.fixture(scope="session")
def shop_store(
    shops: Simulation, truth_rows: list[dict[str, object]], tmp_path_factory: pytest.TempPathFactory
) -> Store:
    """The simulated shops as a store of four shards, one product dropped."""
    folder = tmp_path_factory.mktemp("stores") / "1-ingest"
    writer = StoreWriter.begin(folder, Plan("ingest", {}, tuple("abcd")))
    images = ContentImages(folder / "images")
    products = []
    for number, row in enumerate(truth_rows):
        product = f"{row['source']}:{row['source_id']}"
        content = _content(shops, row)
        products.append(
            Product(
                product, str(row["source"]), str(row["source_id"]), title=row["title"],  # type: ignore[arg-type]
                image=images.put(content) if content else None,
                dropped="withdrawn" if number == 5 else None,
            )
        )  # fmt: skip
    size = len(products) // 4 + 1
    for part in range(4):
        writer.write(part, to_table(products[part * size : (part + 1) * size]))
    return writer.finish()


def _content(shops: Simulation, row: dict[str, object]) -> bytes | None:
    try:
        path: Path = inside(shops.images(str(row["source"])), str(row["image"]))
    except FormatError:
        return None
    return path.read_bytes() if path.exists() else None
