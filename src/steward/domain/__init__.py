"""Decisions as values: the standard library only, no clock, no logging, no input or output."""
