"""Which live project a person's words mean."""

from __future__ import annotations

from typing import Final

from steward.app.views import Json
from steward.domain.meant import FAINT, meant, sure
from steward.domain.people import Principal, Right
from steward.ports import ProjectQuery, Store

PROPOSED: Final = 8


def meant_projects(store: Store, by: Principal, text: str) -> list[Json]:
    """Live projects that this principal may change, best first; see `Talks.which`."""
    with store.reading() as view:
        found = [
            (project, repository)
            for project, repository in view.projects(ProjectQuery())
            if project.live is not None and by.may(Right.WRITE, project.organisation_id)
        ]
    projects = {project.id: project for project, _ in found}
    named = {
        project.id: [project.slug, project.title, *([repository.repo.name] if repository else [])]
        for project, repository in found
    }
    scores = meant(text, named)
    stands_out = sure(scores)
    shown = [one for one in scores if one[1] >= FAINT] or scores
    return [
        {
            "project": key,
            "slug": projects[key].slug,
            "title": projects[key].title,
            "score": score,
            "sure": key == stands_out,
        }
        for key, score in shown[:PROPOSED]
    ]
