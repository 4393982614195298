import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mep3m.cli import cli
from mep3m.errors import SettingsError


def test_simulate_prints_where_everything_is(tmp_path: Path) -> None:
    out = tmp_path / "shops"
    arguments = ["simulate", str(out), "--products", "40", "--no-images", "--seed", "2", "--json"]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    printed = json.loads(result.stdout)
    assert len(printed["catalogues"]) == 2
    assert all(Path(path).exists() for path in printed["catalogues"].values())
    assert (out / "truth" / "products.parquet").exists()


def test_a_wrong_number_of_platforms_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="platforms = 9"):
        CliRunner().invoke(cli, ["simulate", str(tmp_path / "x"), "--platforms", "9"], catch_exceptions=False)
