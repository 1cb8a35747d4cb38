"""What is asked of people beyond their rights, and what their own changes do."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from steward.settings.section import Section, split


class PolicySection(Section):
    """What is asked of people beyond their rights."""

    four_eyes: bool = Field(
        default=False, description="Whether whoever ordered a project may not approve or confirm it"
    )
    audit_days: int = Field(
        default=365, ge=1, le=3650, description="Days for which lines of the audit log are kept"
    )
    deploy_asks: bool = Field(
        default=False, description="Whether a verified commit waits for an approver before it goes live"
    )
    budget_usd: float = Field(
        default=0, ge=0, description="What agents of a new project may cost in all; 0: no limit"
    )
    hands_off: Literal["hold", "notify", "continue"] = Field(
        default="hold",
        description="What a person's push does to a new project: hold, notify, or continue once its checks are green",
    )
    robots: Annotated[tuple[str, ...], BeforeValidator(split)] = Field(
        default=(),
        description="Logins of robots whose pushes are no person's, such as dependabot[bot]; told by webhooks alone",
    )
    topic: str = Field(
        default="do-not-touch",
        pattern=r"[a-z0-9][a-z0-9-]{0,49}",
        description="Topic of a repository on GitHub that keeps automation away from it",
    )
