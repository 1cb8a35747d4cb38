"""Lengths of time as people write them."""

from __future__ import annotations

import re
from typing import Final

UNITS_S: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
LONGEST_S: Final = 36_525 * 86_400.0
"""A hundred years: beyond it no moment can be reckoned back."""


def seconds(text: str) -> float:
    """Read a length of time such as 30m, 1h or 2d. Raises ValueError."""
    found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,12})?)\s*([smhd]?)", text.strip().lower(), re.ASCII)
    if found is None or (length_s := float(found[1]) * UNITS_S[found[2]]) > LONGEST_S:
        raise ValueError(text)
    return length_s
