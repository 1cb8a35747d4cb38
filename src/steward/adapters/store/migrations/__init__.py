"""The steps from each schema to the next, run by `migrate`; never edited once released."""
