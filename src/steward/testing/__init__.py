"""Fakes that pass the contract suites of the real adapters; shipped, typed, for simulations and tests."""
