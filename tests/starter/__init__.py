"""The built-in template: what is rendered from it really runs."""
