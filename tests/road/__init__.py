"""The road from an order to a live site, through the real parts."""
