"""Steward keeps every project of a GitHub organisation true.

GitHub is the truth for code and existence, Steward's database for state. The rooms of this package and
who may know of whom are in docs/ARCHITECTURE.md; import-linter holds them.
"""
