"""Finds what a tree needs of its environment, by reading its files; nothing of it is ever run."""

from steward.adapters.scan.scanner import TreeScanner

__all__ = ["TreeScanner"]
