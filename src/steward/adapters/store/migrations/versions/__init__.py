"""One file per revision, in the order of `schema.REVISIONS`."""
