"""Every page that is looked at, by name. What they are of stands in `steward.testing.showcase`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from steward.testing.showcase_building import operation_id
from steward.testing.showcase_talks import FORM
from steward.testing.world import World


@dataclass(frozen=True, slots=True)
class Shown:
    """One page: its address (`{missing}` and the like: the incident with that cause), who looks, the answer."""

    path: str
    who: str | None = "anna"
    status: int = 200

    def address(self, world: World) -> str:
        """The address in that world."""
        return self.path.format(**{incident["cause"]: incident["id"] for incident in world.incidents()})


LONGEST: Final = "customer-relationship-management-import-from-the-old-datacentre"

PAGES: Final[dict[str, Shown]] = {
    "board": Shown("/projects"),
    "board-viewer": Shown("/projects", "vera"),
    "board-filtered": Shown("/projects?phase=construction&stale=24h"),
    "board-nothing": Shown("/projects?q=no-such-project"),
    "waiting": Shown("/projects?waiting=1", "marta"),
    "table": Shown("/projects?view=table"),
    "table-sorted": Shown("/projects?view=table&sort=-since&limit=5"),
    "order": Shown("/order"),
    "order-refused": Shown("/order?slug=shop-front"),
    "jump": Shown("/jump?q=shop"),
    "keys": Shown("/keys"),
    "board-unready": Shown("/projects?ready_below=80"),
    "table-readiness": Shown("/projects?view=table&sort=readiness"),
    "import": Shown("/import"),
    "import-viewer": Shown("/import", "vera"),
    "import-nothing": Shown("/import?q=no-such-project"),
    "setup": Shown("/projects/legacy-landing/setup"),
    "setup-viewer": Shown("/projects/legacy-landing/setup", "vera"),
    "setup-whole": Shown("/projects/company-site/setup"),
    "setup-failed": Shown("/projects/docs-site/setup"),
    "setup-running": Shown("/projects/fathom/setup"),
    "setup-unscanned": Shown(f"/projects/{LONGEST}/setup"),
    "secrets": Shown("/projects/price-watch/secrets"),
    "secrets-viewer": Shown("/projects/price-watch/secrets", "vera"),
    "secrets-replace": Shown("/projects/price-watch/secrets?name=SHOP_TOKEN"),
    "secrets-nothing": Shown("/projects/docs-site/secrets"),
    "secret-unset": Shown("/projects/price-watch/secrets/SHOP_TOKEN/unset"),
    "secret-unset-nothing": Shown("/projects/price-watch/secrets/NO_SUCH_KEY/unset", status=422),
    "waiver": Shown("/projects/price-watch/readiness/secrets/waiver"),
    "waiver-viewer": Shown("/projects/price-watch/readiness/secrets/waiver", "vera"),
    "project-unready": Shown("/projects/price-watch"),
    "project-discovered": Shown("/projects/docs-site"),
    "project-draft": Shown("/projects/loyalty-bot"),
    "project-building": Shown("/projects/event-tickets"),
    "project-active": Shown("/projects/shop-front", "vera"),
    "project-absent": Shown("/projects/support-bot"),
    "project-missing": Shown("/projects/partner-api"),
    "project-error": Shown("/projects/delivery-map"),
    "project-hostile": Shown("/projects/legacy-landing"),
    "project-long": Shown(f"/projects/{LONGEST}"),
    "project-archived": Shown("/projects/old-crm"),
    "project-frozen": Shown("/projects/fathom"),
    "ask-approve": Shown("/projects/loyalty-bot/ask/approved"),
    "project-built": Shown("/projects/shop-front"),
    "project-update": Shown("/projects/wholesale"),
    "project-estimated": Shown("/projects/parcel-tracker", "marta"),
    "order-template": Shown("/order?template=no-such-template"),
    "describe": Shown("/projects/loyalty-bot/describe"),
    "describe-update": Shown("/projects/wholesale/describe"),
    "ask-confirm": Shown("/projects/parcel-tracker/ask/confirmed"),
    "ask-update": Shown("/projects/shop-front/ask/update-requested"),
    "ask-design": Shown("/projects/wholesale/ask/new-spec"),
    "ask-resolve": Shown("/projects/delivery-map/ask/resolved"),
    "retry": Shown("/projects/delivery-map/retry"),
    "retry-nothing": Shown("/projects/shop-front/retry"),
    "budget": Shown("/projects/event-tickets/budget", "marta"),
    "operations": Shown("/projects/event-tickets/operations"),
    "operations-nothing": Shown("/projects/docs-site/operations"),
    "operation-running": Shown(
        f"/projects/event-tickets/operations/{operation_id('event-tickets', 'implement')}"
    ),
    "operation-failed": Shown(f"/projects/delivery-map/operations/{operation_id('delivery-map', 'deploy')}"),
    "operation-queued": Shown(
        f"/projects/fleet-telemetry/operations/{operation_id('fleet-telemetry', 'design')}"
    ),
    "spec": Shown("/projects/loyalty-bot/spec"),
    "spec-costs": Shown("/projects/event-tickets/spec"),
    "spec-nothing": Shown("/projects/docs-site/spec"),
    "releases": Shown("/projects/shop-front/releases", "marta"),
    "releases-nothing": Shown("/projects/docs-site/releases"),
    "rollback": Shown("/projects/shop-front/releases/1/rollback", "marta"),
    "rollback-viewer": Shown("/projects/shop-front/releases/2/rollback", "vera"),
    "ask-archive": Shown("/projects/shop-front/ask/archived"),
    "relink": Shown("/projects/partner-api/relink"),
    "management": Shown("/projects/docs-site/management"),
    "owner": Shown("/projects/legacy-landing/owner"),
    "project-held": Shown("/projects/theatre-seats"),
    "project-held-viewer": Shown("/projects/theatre-seats", "vera"),
    "project-paused": Shown("/projects/school-portal"),
    "board-held": Shown("/projects?held=yes"),
    "pause": Shown("/projects/event-tickets/pause"),
    "leave": Shown("/projects/theatre-seats/leave/hand-over"),
    "leave-nothing": Shown("/projects/shop-front/leave/stop"),
    "hands-off": Shown("/projects/shop-front/hands-off"),
    "hands-off-viewer": Shown("/projects/shop-front/hands-off", "vera"),
    "talks": Shown("/talks"),
    "talks-nothing": Shown("/talks", "vera"),
    "talk-new": Shown("/talks/new"),
    "talk-new-update": Shown("/talks/new?project=shop-front"),
    "talk": Shown("/talks/3"),
    "talk-update": Shown("/talks/4"),
    "talk-done": Shown("/talks/5"),
    "talk-dropped": Shown("/talks/2"),
    "talk-waiting": Shown("/talks/6"),
    "talk-edit": Shown("/talks/3/edit"),
    "talk-unknown": Shown("/talks/1", status=404),
    "give": Shown(f"/give?form={FORM}", None),
    "give-used": Shown("/give?form=stf_used-up-long-ago", None, 404),
    "incident-foreign": Shown("/incidents/{foreign_change}"),
    "incidents": Shown("/incidents"),
    "incidents-resolved": Shown("/incidents?state=resolved"),
    "incident-missing": Shown("/incidents/{missing}"),
    "incident-transferred": Shown("/incidents/{transferred}"),
    "incident-mass-loss": Shown("/incidents/{mass_loss}"),
    "incident-archived": Shown("/incidents/{archived_on_github}"),
    "incident-viewer": Shown("/incidents/{missing}", "vera"),
    "lifecycle": Shown("/lifecycle"),
    "activity": Shown("/activity"),
    "activity-narrowed": Shown("/activity?topic=people&actor=user:marta"),
    "activity-nothing": Shown("/activity?topic=incidents&project=shop-front"),
    "sync": Shown("/sync"),
    "plan": Shown("/sync/plan"),
    "freeze": Shown("/freeze"),
    "freeze-viewer": Shown("/freeze", "vera"),
    "restored-nothing": Shown("/restored"),
    "held-nothing": Shown("/sync/held/acme"),
    "held": Shown("/sync/held/northwind"),
    "login": Shown("/login", None),
    "login-used": Shown("/login?token=stl_used-up-long-ago", None, 401),
    "settings": Shown("/settings"),
    "users": Shown("/settings/users"),
    "user": Shown("/settings/users/boris"),
    "tokens": Shown("/settings/tokens"),
    "telegram": Shown("/settings/telegram"),
    "spending": Shown("/settings/spending"),
    "spending-viewer": Shown("/settings/spending", "vera"),
    "telegram-viewer": Shown("/settings/telegram", "vera"),
    "github": Shown("/settings/github"),
    "webhooks": Shown("/settings/webhooks"),
    "notifications": Shown("/settings/notifications"),
    "audit": Shown("/settings/audit"),
    "unknown": Shown("/projects/shop-frnt", status=404),
    "nowhere": Shown("/no/such/page", status=404),
    "refused-filter": Shown("/projects?phase=none", status=422),
    "guest": Shown("/projects", "guest", status=403),
}
