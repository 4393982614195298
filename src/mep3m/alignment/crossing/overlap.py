"""Which pairs of categories share products though neither contains the other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

#: share of either category's titles that is filed under the other, at least, and the larger of the two shares
EITHER, LARGER = 0.05, 0.15
#: probability below which a pair is not linked
UNLINKED = 0.5
#: how often a pair of these overlaps: 17 of 26 by models that had not seen the platforms, 25 of 38 by those
#: that ship; nearly all others contain each other (`bench.alignment.overlaps`)
RIGHT = 0.65


def overlapping(features: Mapping[str, np.ndarray], linked: np.ndarray) -> NDArray[np.bool_]:
    """Return which pairs (pairs,) overlap, by the shares filed both ways; none where those are not known.

    `linked` (pairs,) is the probability of a link.
    """
    if "filed_l" not in features:
        return np.zeros(len(linked), dtype=np.bool_)
    shares = np.nan_to_num(np.stack([features["filed_l"], features["filed_r"]]))
    found: NDArray[np.bool_] = (
        (shares.min(axis=0) >= EITHER) & (shares.max(axis=0) >= LARGER) & (linked < UNLINKED)
    )
    return found
