"""The models as a file, and what they say made into probabilities by kind of link."""

import json

import numpy as np
import pytest

from mep3m.alignment.crossing.heads import GROUPS, Heads, LinkCalibration, shipped_heads

SAID = np.array([0.0, 0.3, 0.5, 0.8, 0.9, 0.95, 0.98, 1.0])


def test_a_calibration_is_a_line_that_stays_level_beyond_its_ends() -> None:
    line = LinkCalibration(np.array([0.0, 0.5, 0.9]), np.array([0.0, 0.4, 0.7]))
    assert line.probability(np.array([0.0, 0.25, 0.5, 0.7, 0.95])).tolist() == pytest.approx(
        [0.0, 0.2, 0.4, 0.55, 0.7]
    )


def test_a_kind_of_link_without_a_calibration_keeps_what_the_models_say() -> None:
    half = LinkCalibration(np.array([0.0, 1.0]), np.array([0.0, 0.5]))
    heads = Heads(shipped_heads().within, shipped_heads().equal, {"inner filed": half})
    assert heads.calibrated(np.array([0.9, 0.9]), ["inner filed", "named"]).tolist() == [0.45, 0.9]


@pytest.mark.parametrize("kind", GROUPS)
def test_shipped_calibrations_rise_and_make_nothing_certain(kind: str) -> None:
    sure = shipped_heads().calibrated(SAID, [kind] * len(SAID))
    assert (np.diff(sure) >= 0).all()
    assert sure[0] == 0
    assert sure[-1] < 0.995


def test_products_that_agree_make_a_name_surer_and_products_that_do_not_make_it_wait() -> None:
    sure = {kind: float(shipped_heads().calibrated(np.array([0.97]), [kind])[0]) for kind in GROUPS}
    assert sure["agreed"] > 0.98 > sure["named"] > 0.8 > max(sure["renamed"], sure["unfiled"])
    of_one = {kind: sure[f"inner {kind}"] for kind in ("named", "filed", "unsaid")}
    assert sure["inner agreed"] > max(of_one.values())
    assert min(of_one.values()) > 0.7 > 0.55 > max(sure["denied"], sure["unfiled"])


def test_calibrations_are_part_of_the_file() -> None:
    heads = shipped_heads()
    again = Heads.from_json(json.loads(json.dumps(heads.to_json())))
    for kind in GROUPS:
        of = [kind] * len(SAID)
        assert np.array_equal(again.calibrated(SAID, of), heads.calibrated(SAID, of)), kind
