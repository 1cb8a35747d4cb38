"""What tokens cost, by the price list that is installed: nothing is fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

NAMES: Final = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_tokens",
    "cache_write_tokens": "cache_write_tokens",
}


def price_usd(model: str, usage: Mapping[str, int]) -> float | None:
    """The price in dollars; None where the model is not on the list, or nothing was counted."""
    counted = {NAMES[name]: count for name, count in usage.items() if name in NAMES}
    if not model or not counted:
        return None
    # The list is long, and most runs need it only once if ever.
    from genai_prices import Usage, calc_price

    # An address of the kind "provider/model" is a model of that provider.
    name = model.rpartition("/")[2]
    try:
        return float(calc_price(Usage(**counted), name).total_price)
    except (LookupError, ValueError):
        return None
