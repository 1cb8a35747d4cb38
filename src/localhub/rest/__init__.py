"""The REST handlers, one module for each part of GitHub's interface; each lists its own `ROUTES`."""

from localhub.rest import (
    admin,
    apps,
    checks,
    contents,
    git,
    hooks,
    listing,
    meta,
    orgs,
    pulls,
    repos,
    rules,
    secrets,
    workflows,
)

TABLE = [
    *meta.ROUTES,
    *apps.ROUTES,
    *orgs.ROUTES,
    *listing.ROUTES,
    *repos.ROUTES,
    *contents.ROUTES,
    *hooks.ROUTES,
    *secrets.ROUTES,
    *rules.ROUTES,
    *pulls.ROUTES,
    *checks.ROUTES,
    *workflows.ROUTES,
    *git.ROUTES,
    *admin.ROUTES,
]
"""All routes. Where two could match a path, the earlier one does."""
