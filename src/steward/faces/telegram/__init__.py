"""The bot on Telegram: what it hears, what it does about it, and what it shows."""
