"""Whoever sends to chats: the fake, and the real one over a Telegram on loopback."""
