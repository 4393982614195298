"""A standardised fusion has mean 0 and spread 1 over the training rows, and keeps both for prediction."""

import torch

from mep3m.models.networks.build import build_fusion
from mep3m.models.networks.fusion import Standardised
from mep3m.settings.network import ImageSettings, NetworkSettings


def test_entries_have_mean_nought_and_spread_one_over_what_was_seen() -> None:
    fusion = build_fusion(NetworkSettings(image=ImageSettings(), standardise=True), [4])
    assert isinstance(fusion, Standardised)
    assert fusion.width == 4
    torch.manual_seed(0)
    rows = torch.randn(4096, 4) * torch.tensor([1.0, 5.0, 0.1, 30.0]) + torch.tensor([0.0, 3.0, -2.0, 100.0])
    for part in rows.split(256):
        fusion([part])
    fusion.eval()
    out = fusion([rows])
    torch.testing.assert_close(out.mean(0), torch.zeros(4), atol=0.02, rtol=0)
    torch.testing.assert_close(out.std(0), torch.ones(4), atol=0.02, rtol=0)
    torch.testing.assert_close(fusion([rows[:3]]), out[:3])


def test_without_the_setting_the_vector_is_as_it_was() -> None:
    fusion = build_fusion(NetworkSettings(image=ImageSettings()), [4])
    assert not isinstance(fusion, Standardised)
    rows = torch.randn(3, 4)
    assert torch.equal(fusion([rows]), rows)
