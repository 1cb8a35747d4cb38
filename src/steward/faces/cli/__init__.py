"""The command line: Click for the grammar, Rich for people, JSON for programs."""
