"""Telegram on loopback: a server of the Bot API that keeps Telegram's rules, and the people who use it."""
