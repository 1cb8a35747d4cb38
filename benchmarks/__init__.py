"""Measurements, each a ratio of two things done in one run, so that another machine may repeat them."""
