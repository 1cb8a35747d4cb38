"""The API under /api/v1: what faces are shown, as JSON, and what may be asked of it; described by OpenAPI 3.1."""
