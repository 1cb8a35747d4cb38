"""The port of templates, with real git repositories and the real Copier."""
