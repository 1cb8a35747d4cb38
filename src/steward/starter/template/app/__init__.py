"""The service: one page made from content.json, its health, and the commit that runs."""
