"""Steward in Telegram: what people write and press there, and what is shown to them."""
