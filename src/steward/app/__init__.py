"""What Steward does: looks, commands, queries and the loops. Knows the ports, never an adapter or a face."""
