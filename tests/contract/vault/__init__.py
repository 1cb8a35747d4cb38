"""The contract of the vault, on both databases."""
