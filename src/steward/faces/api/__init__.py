"""The API for programs, under /api/v1: English codes, RFC 3339 times, problems by RFC 9457."""
