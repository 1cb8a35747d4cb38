"""The HTTP server: who may do what, failures in words, live events. Pages and the API are rooms beside it."""
