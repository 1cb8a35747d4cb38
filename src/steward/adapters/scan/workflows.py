"""Names that GitHub workflows read, and whether a workflow puts the work live by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from steward.adapters.scan.source import Source
from steward.adapters.scan.tree import Node, parse
from steward.domain.needs import Evidence, Purpose, Sort
from steward.domain.weighing import Reading, Vote

_EXPRESSION = re.compile(
    r"\$\{\{(.{0,4000}?)\}\}|^[ \t]*(?:-[ \t]+)?if:[ \t]*(?!.*\$\{\{)(.+)$", re.DOTALL | re.MULTILINE
)
_READ = re.compile(
    r"(?<![\w.])(?P<from>secrets|vars)(?:\.(?P<dot>[A-Za-z_]\w*)|\[\s*['\"](?P<key>[A-Za-z_]\w*)['\"]\s*\])"
)
_FALLBACK = re.compile(r"[\s)]*\|\|\s*(?!false\b|''|secrets\.(?!GITHUB_TOKEN))")
_TESTED = re.compile(r"\s*(?:==|!=|&&)")
_COMMENT = re.compile(r"^[ \t]*#.*$|[ \t]#[^\n'\"]*$", re.MULTILINE)


def read_workflow(source: Source) -> Iterator[Reading]:
    """Every secret and variable that a workflow reads. In a workflow that others call, the secrets that it declares
    are as needed as it says.
    """
    text = _COMMENT.sub(lambda one: " " * len(one[0]), source.text)
    declared = {}
    try:
        declared = _declared(source)
    finally:
        yield from _expressions(source, text, declared)
    for name, (node, must, described) in declared.items():
        vote = Vote.MUST if must else Vote.MAY
        yield _reading(source, name, node.line, "workflow_call secret", vote, Sort.SECRET, help=described)


def _expressions(source: Source, text: str, declared: dict[str, tuple[Node, bool, str]]) -> Iterator[Reading]:
    found = []
    for expression in _EXPRESSION.finditer(text):
        group = 1 if expression[1] is not None else 2
        begins, inside = expression.start(group), expression[group]
        lone_if = group == 2 or text[text.rfind("\n", 0, expression.start()) + 1 : expression.start()].lstrip(
            " -"
        ).startswith("if:")
        found += [(one, inside, begins, lone_if) for one in _READ.finditer(inside)]
    tested = {_name(one) for one, inside, _b, lone_if in found if lone_if or _TESTED.match(inside, one.end())}
    for one, inside, begins, lone_if in found:
        name = _name(one)
        default = _FALLBACK.match(inside, one.end()) is not None
        spared = (
            default or lone_if or name in tested or re.match(r"[\s)]*\|\|", inside[one.end() :]) is not None
        )
        secret = one["from"] == "secrets"
        vote = Vote.SILENT if name in declared else Vote.MAY if spared else Vote.MUST
        line = source.line_at(begins + one.start("dot" if one["dot"] else "key"))
        sort = Sort.SECRET if secret else Sort.VARIABLE
        yield _reading(source, name, line, f"workflow {one['from']}", vote, sort, default=default)


def _name(found: re.Match[str]) -> str:
    name = found["dot"] or found["key"]
    return name.upper()


def _reading(
    source: Source,
    name: str,
    line: int,
    reader: str,
    vote: Vote,
    sort: Sort,
    *,
    default: bool = False,
    help: str = "",  # noqa: A002 - the field's name
) -> Reading:
    return source.reading(
        name, line, reader, vote, default=default, sort=sort, purpose=Purpose.CHECKS, help=help
    )


def _declared(source: Source) -> dict[str, tuple[Node, bool, str]]:
    """The secrets that a workflow others call declares: where, whether it must be given, what it is for."""
    found: dict[str, tuple[Node, bool, str]] = {}
    for root in parse(source.text):
        called = (root.get("on") or Node(0)).get("workflow_call")
        secrets = called.get("secrets") if called else None
        for key, value in (secrets.pairs or ()) if secrets else ():
            if key.text:
                found[key.text.upper()] = (key, value.said("required") == "true", value.said("description"))
    return found


_ACTIONS = re.compile(
    r"(?:peaceiris/actions-gh-pages|JamesIves/github-pages-deploy-action|actions/deploy-pages|appleboy/(?:ssh|scp)-action"
    r"|easingthemes/ssh-deploy|burnett01/rsync-deployments|amondnet/vercel-action|nwtgck/actions-netlify|netlify/actions/.*"
    r"|superfly/flyctl-actions.*|akhileshns/heroku-deploy|cloudflare/(?:wrangler-action|pages-action)|digitalocean/.*deploy.*"
    r"|aws-actions/amazon-(?:ecs|elasticbeanstalk).*|aws-actions/aws-.*deploy.*|google-github-actions/deploy-.*"
    r"|azure/(?:webapps-deploy|functions-action|k8s-deploy|static-web-apps-deploy|aks-.*)|Azure/.*deploy.*"
    r"|pypa/gh-action-pypi-publish|JS-DevTools/npm-publish|FirebaseExtended/action-hosting-deploy|goreleaser/goreleaser-action"
    r"|softprops/action-gh-release|ncipollo/release-action|changesets/action|googleapis/release-please-action"
    r"|google-github-actions/release-please-action|helm/chart-releaser-action|cycjimmy/semantic-release-action"
    r"|bobheadxi/deployments|dokku/github-action|einaregilsson/beanstalk-deploy|SamKirkland/FTP-Deploy-Action"
    r"|johnnybui/.*deploy.*|docker/build-push-action)(?:@.*)?",
    re.IGNORECASE,
)
_COMMANDS = re.compile(
    r"\bdocker (?:image )?push\b|\bdocker compose .*up -d|\bdocker stack deploy\b|\bvercel\b.*--prod|\bnetlify deploy\b|\bfly(?:ctl)? deploy\b"
    r"|\bwrangler (?:pages )?(?:deploy|publish)\b|\baws (?:s3 sync|ecs update-service|deploy|lambda update)|\bgcloud (?:run|app|functions) deploy\b"
    r"|\baz webapp\b|\bkubectl (?:apply|set image|rollout)\b|\bhelm upgrade\b|\bansible-playbook\b|\bgit push (?:dokku|heroku)\b|\bkamal deploy\b"
    r"|\bnpm publish\b|\b(?:yarn|pnpm)(?: npm)? publish\b|\btwine upload\b|\bpoetry publish\b|\buv publish\b|\bhatch publish\b|\bflit publish\b|\bcargo publish\b"
    r"|\bgem push\b|\bsemantic-release\b|\bserverless deploy\b|\bterraform apply\b|\bpulumi up\b|\bcdk deploy\b|\bfirebase deploy\b|\brailway up\b|\brsync\b.*@|\bmkdocs gh-deploy\b"
)
_WORDS = re.compile(r"(?:^|[^a-z])(?:deploy(?:ment|s)?|releases?|publish)(?:$|[^a-z])", re.IGNORECASE)
_MILD = re.compile(r"draft|notes|changelog|check|test|preview|dry|label", re.IGNORECASE)
_DEFAULT = re.compile(r"main|master|trunk|default|prod(?:uction)?|release.*|\*.*|\$default-branch")


def self_deploys(source: Source) -> list[Evidence]:
    """What in a workflow puts the work live on a push to the default branch, a tag or a release; [] where nothing does."""
    found: list[Evidence] = []
    for root in parse(source.text):
        if not _runs_by_itself(root.get("on")):
            continue
        name, jobs = root.get("name"), (root.get("jobs") or Node(0)).pairs or []
        for key, job in jobs:
            found += _deploying(source, key, job)
        if not found and jobs and name is not None and _is_word(name.text or ""):
            found.append(Evidence(source.path, name.line, "its name says so"))
    return found


def _is_word(text: str) -> bool:
    return _WORDS.search(text) is not None and _MILD.search(text) is None


def _runs_by_itself(on: Node | None) -> bool:
    """Whether it is run by a push to what may be the default branch, by a tag or by a release."""
    if on is None:
        return False
    if on.text in {"push", "release"} or any(one.text in {"push", "release"} for one in on.items):
        return True
    if on.get("release") is not None:
        return True
    push = on.get("push")
    if push is None:
        return False
    branches, tags = push.get("branches"), push.get("tags")
    if branches is None:
        return True
    named = [one.text or "" for one in [branches, *branches.items]]
    return tags is not None or any(_DEFAULT.fullmatch(one) for one in named if one)


def _deploying(source: Source, key: Node, job: Node) -> list[Evidence]:
    steps = job.get("steps")
    for step in steps.items if steps else ():
        uses, run = step.get("uses"), step.get("run")
        if uses is not None and _ACTIONS.fullmatch((uses.text or "").strip()) and _pushes(uses, step):
            return [Evidence(source.path, uses.line, f"uses {(uses.text or '').partition('@')[0][:80]}")]
        command = _COMMANDS.search((run.text or "")[:20_000]) if run is not None else None
        if run is not None and command and "--dry-run" not in (run.text or ""):
            return [Evidence(source.path, _line_of(source, command[0], run.line), f"runs {command[0][:60]}")]
    environment = job.get("environment")
    said = (environment.text or environment.said("name")) if environment else ""
    if environment is not None and re.search(
        r"prod|live|pages|pypi|npm|deploy|release|publish", said, re.IGNORECASE
    ):
        return [Evidence(source.path, environment.line, f"environment {said[:60]}")]
    if _is_word(key.text or "") or _is_word(job.said("name")):
        return [Evidence(source.path, key.line, f"job {(key.text or '')[:60]}")]
    return []


def _pushes(uses: Node, step: Node) -> bool:
    """Docker's action builds without pushing unless it is told to."""
    if "docker/build-push-action" not in (uses.text or ""):
        return True
    push = (step.get("with") or Node(0)).said("push")
    return push not in {"", "false"}


def _line_of(source: Source, text: str, first: int) -> int:
    lines = source.lines[first - 1 : first + 200]
    return next((first + at for at, line in enumerate(lines) if text.partition("\n")[0] in line), first)
