"""What Steward does for projects, step by step: each step an idempotent "ensure", each operation one ending."""
