"""The guards of the lifecycle: what must be proven before a move, in words that a person can act on.

A guard is met only by a proof that the caller brings; what nobody proved is refused.
"""

from __future__ import annotations

from enum import Enum


class Guard(Enum):
    """One condition of a move. The value is what a refused person is told to do about it."""

    SLUG_FREE = "the slug must be valid and free"
    NO_REPOSITORY = "the project must have no repository yet"
    BRIEF_APPROVED = "the brief must be approved first"
    SPEC_VALID = "a spec that validates against its template is needed"
    ESTIMATE_MADE = "an estimate of that spec is needed"
    NAME_FREE = "the repository's name must be free in the organisation, or already ours"
    BUDGET_SET = "a budget must be set"
    REPOSITORY_RECORDED = "the repository's id must be recorded"
    REPOSITORY_BARE = "the repository must hold nothing but README.md and our marker"
    REPOSITORY_UNKNOWN = "the repository must not belong to a project already"
    ARCHIVED_ON_GITHUB = "the repository must be archived on GitHub"
    SETUP_INCOMPLETE = "something required must still be unknown; adopt the project instead"
    SETUP_COMPLETE = "every required variable, secret, check and deploy target must be set or waived"
    OWNER_SET = "an owner must be set"
    ENTRY_PROVEN = "the evidence must support the entry status"
    NOT_HELD = "the holds on the project must be lifted first"
    DESIGN_MERGED = "a changed IMPLEMENTATION.md must be on the default branch"
    DESIGN_ACCEPTED = "policy asks a person to approve the design first"
    WORK_MERGED = "the operation's branches must be merged to the default branch"
    COMMIT_BOUND = "the move must be bound to one commit"
    CI_GREEN = "the checks must be green for that commit, or waived where there are none"
    TESTER_APPROVED = "the tester must approve that commit"
    ROUNDS_LEFT = "the same fault was sent back twice already; a person must decide"
    SAME_COMMIT = "only the verified commit may be deployed"
    SECRETS_PRESENT = "the required secrets must be set"
    DEPLOY_SUCCEEDED = "the deployment must have finished without a fault"
    PROOF_OF_LIFE = "the proof of life must hold for that commit"
    UPDATE_DESCRIBED = "say what the update is to change"
    OPERATION_STOPPED = "the running operation must be stopped first"
    TIP_IS_FOREIGN = "the default branch must have moved past the verified commit"
    FOREIGN_COMMITS = "there must be a person's commits on the default branch"
    SPEC_STORED = "the new version of the spec must be stored"
    UPDATE_OPEN = "an update must be open"
    RELEASE_LIVE = "a release must be live"
    CAUSE_KNOWN = "the cause and its evidence must be recorded"
    CAUSE_GONE = "the cause must be gone"
    HAS_REPOSITORY = "the project must have a repository"
    LOSS_CONCLUDED = "the loss of the repository must be confirmed"
    REPOSITORY_SEEN = "the repository must be seen on GitHub again; restore or relink it"
    PROVISIONING_IDLE = "the provisioning must not be running; cancel it first"

    # Facts that choose where a move leads; no row of the table requires them.
    UNDEPLOYED = "the release was taken down"
    IMPORTED = "the repository was made by somebody else"

    @property
    def words(self) -> str:
        """What a refused person is told."""
        return self.value
