"""Rules of an installation's own: what they ask for, whom they are for, and what is refused with the rule's name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.domain.own_rules import RULES_MAX, Tuning, tuning
from steward.domain.project import Management
from steward.domain.readiness import Record, percent, readiness
from steward.domain.readiness_rules import CODES
from tests.domain.test_readiness import GONE, PROJECT, REPO, ROW, WHOLE, WITHOUT

WEB = replace(WHOLE, repository=replace(ROW, repo=replace(REPO, topics=("web",))))


def rule(**given: Any) -> dict[str, Any]:
    """A rule that can be used, but for these of its fields."""
    return {"code": "mine", "title": "It is as we like it", "require": {"topic": "web"}, **given}


def met(record: Record, **given: Any) -> bool | None:
    """What the rule says of a project; None: it does not apply."""
    rules = tuning([], {}, [rule(**given)]).rules()
    return {line.rule.code: line.ok for line in readiness(record, rules)}.get("mine")


def test_a_topic_a_description_a_name_and_a_file_can_be_asked_for() -> None:
    assert met(WEB) is True
    assert met(WHOLE) is False
    assert met(WHOLE, require={"description": r"^[A-Z].*p$"}) is True
    assert met(WHOLE, require={"description": r"\.$"}) is False
    assert met(WHOLE, require={"name": "API_KEY"}) is True
    assert met(WHOLE, require={"name": "SENTRY_DSN"}) is False
    assert met(replace(WHOLE, files={"LICENSE": True}), require={"file": "LICENSE"}) is True
    assert met(replace(WHOLE, files={"LICENSE": False}), require={"file": "LICENSE"}) is False


def test_it_says_nothing_where_nothing_is_known() -> None:
    assert met(WHOLE, require={"file": "LICENSE"}) is None
    assert met(WITHOUT) is None
    assert met(replace(WHOLE, repository=GONE)) is None
    assert met(replace(WHOLE, kept=None), require={"name": "API_KEY"}) is None


def test_it_is_for_those_that_fit_all_of_when() -> None:
    driven = replace(WHOLE, project=replace(PROJECT, management=Management.DRIVE))
    for when, fits in (
        ("management=drive", True),
        ("management=watch,ignore", False),
        ("status=active phase=production", True),
        ("status=draft", False),
        ("visibility=private,internal management=drive", True),
        ("visibility=public", False),
        ("topic=web,api", False),
    ):
        assert (met(driven, when=when) is not None) is fits, when
    assert met(WEB, when="topic=web,api") is True
    assert met(WITHOUT, when="visibility=private", require={"name": "API_KEY"}) is None


def test_weight_severity_and_fix_are_those_of_the_settings() -> None:
    (own,) = [
        line
        for line in readiness(WHOLE, tuning([], {"mine": 9}, [rule(severity="error", fix="Do it")]).rules())
        if line.rule.own
    ]
    assert (own.rule.weight, own.rule.severity, own.rule.fix.words) == (9, "error", "Do it")
    assert own.words == "It is as we like it"


def test_built_in_rules_are_switched_off_and_weighed_otherwise() -> None:
    rules = tuning(["webhook"], {"owner": 0, "ci": 50}, []).rules()
    assert {one.code for one in rules} == CODES - {"webhook"}
    weights = {one.code: one.weight for one in rules}
    assert (weights["owner"], weights["ci"]) == (0, 50)
    nobody = replace(WHOLE, project=replace(PROJECT, owner=None))
    assert percent(readiness(nobody, rules)) == 100


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"code": "Mine"}, "rule 1 of your own: its code must be"),
        ({"code": None}, "rule 1 of your own: its code must be"),
        ({"code": "owner"}, "rule 'owner': a built-in rule has that code"),
        ({"title": ""}, "rule 'mine': title must be one line"),
        ({"title": "two\nlines"}, "rule 'mine': title must be one line"),
        ({"titel": "x"}, "rule 'mine': titel means nothing"),
        ({"severity": "bad"}, "rule 'mine': severity is one of"),
        ({"weight": 101}, "rule 'mine': its weight is a whole number from 0 to 100"),
        ({"weight": True}, "rule 'mine': its weight"),
        ({"weight": "5"}, "rule 'mine': its weight"),
        ({"fix": 5}, "rule 'mine': fix must be one line"),
        ({"when": "colour=red"}, "rule 'mine': when has 'colour=red'"),
        ({"when": "status"}, "rule 'mine': when has 'status'"),
        ({"when": "status=active status=draft"}, "rule 'mine': when has 'status=draft'"),
        ({"when": "status=happy"}, "rule 'mine': 'happy' is no status; possible: draft"),
        ({"when": ["status=active"]}, "rule 'mine': when has"),
        ({"require": None}, "rule 'mine': require asks for one of file, topic, description, name"),
        ({"require": {}}, "rule 'mine': require asks for one of"),
        ({"require": {"file": "a", "topic": "b"}}, "rule 'mine': require asks for one of"),
        ({"require": {"python": "1"}}, "rule 'mine': require asks for one of"),
        ({"require": {"file": "../secret"}}, "rule 'mine': '../secret' is no path inside a repository"),
        ({"require": {"file": "/etc/passwd"}}, "rule 'mine': '/etc/passwd' is no path"),
        ({"require": {"file": ".git/config"}}, "rule 'mine': '.git/config' is no path"),
        ({"require": {"topic": "Web Site"}}, "rule 'mine': 'Web Site' can be no topic"),
        ({"require": {"name": "A-B"}}, "rule 'mine': 'A-B' can be no name"),
        ({"require": {"description": "("}}, "rule 'mine': '(' is no regular expression"),
        ({"require": {"description": "(a+)+$"}}, "rule 'mine': '(a+)+$' may take for ever"),
        ({"require": {"description": "((a+))+$"}}, "may take for ever"),
        ({"require": {"description": "(?:a|aa)*$"}}, "may take for ever"),
        ({"require": {"description": r"(.)\1"}}, "may take for ever"),
        ({"require": {"description": ".*a.*b.*c.*d"}}, "may take for ever"),
    ],
)
def test_what_is_wrong_is_refused_with_the_rules_name(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match="rule") as refused:
        tuning([], {}, [rule(**given)])
    assert says in str(refused.value)


def test_codes_that_mean_nothing_are_refused() -> None:
    for off, weights in ((["nope"], {}), ([], {"nope": 1})):
        with pytest.raises(ValueError, match="rule 'nope': there is none of that code"):
            tuning(off, weights, [])
    with pytest.raises(ValueError, match="rule 'mine': there are two"):
        tuning([], {}, [rule(), rule()])
    with pytest.raises(ValueError, match="at most"):
        tuning([], {}, [rule(code=f"r{n}") for n in range(RULES_MAX + 1)])
    with pytest.raises(ValueError, match="rule 'owner': its weight"):
        tuning([], {"owner": -1}, [])


def test_the_same_rules_read_the_same_and_others_differ() -> None:
    one = tuning(["ci"], {"owner": 2}, [rule(when="topic=web,api")])
    assert one.told() == tuning(["ci"], {"owner": 2}, [rule(when="topic=api,web")]).told()
    assert (
        len({one.told(), Tuning().told(), tuning(["ci"], {"owner": 3}, [rule(when="topic=web,api")]).told()})
        == 3
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(["code", "title", "when", "require", "severity", "weight", "fix"])


@given(st.dictionaries(FIELDS, JSON))
def test_whatever_the_settings_hold_it_is_a_rule_or_a_refusal(given: dict[str, Any]) -> None:
    try:
        made = tuning([], {}, [rule(**given)])
    except ValueError as refused:
        assert "rule" in str(refused)  # noqa: PT017 - either end is right, and each is looked at
    else:
        assert readiness(WEB, made.rules())
