"""What Steward needs of a credential, and what one lacks: nothing is said to be missing that may be there."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from steward.domain.credentials import NEEDS, CredentialKind, Declared, Need, Purpose, has, lacking, name_of

README = Path(__file__).parents[2] / "README.md"
OBSERVE, WEBHOOKS, BUILD = Purpose.OBSERVE, Purpose.WEBHOOKS, Purpose.BUILD


def app(*rights: str) -> Declared:
    return Declared(CredentialKind.APP, frozenset(rights))


def classic(*scopes: str) -> Declared:
    return Declared(CredentialKind.CLASSIC, frozenset(scopes))


def names(declared: Declared, *purposes: Purpose) -> list[str]:
    return [name_of(need, declared.kind) for need in lacking(declared, purposes)]


def test_an_observer_needs_metadata_and_no_more() -> None:
    assert names(app("metadata:read"), OBSERVE) == []
    assert names(app("metadata:read"), OBSERVE, WEBHOOKS) == ["organization_hooks:write"]
    assert names(app(), OBSERVE) == ["metadata:read"]
    assert names(classic("repo"), OBSERVE, WEBHOOKS) == ["admin:org_hook"]
    assert names(classic(), OBSERVE) == ["repo"]


def test_a_higher_level_holds_the_lower_one() -> None:
    assert names(app("metadata:read", "organization_hooks:admin"), WEBHOOKS) == []
    assert names(app("metadata:read", "organization_hooks:read"), WEBHOOKS) == ["organization_hooks:write"]


def test_what_github_does_not_tell_is_not_said_to_be_missing() -> None:
    unknown = Declared(CredentialKind.FINE_GRAINED, None)
    assert lacking(unknown, Purpose) == []
    assert {has(unknown, need) for need in NEEDS} == {None}


def test_driving_needs_more_and_is_asked_for_only_then() -> None:
    assert "administration:write" in names(app("metadata:read"), BUILD)
    assert {need.purpose for need in NEEDS if "write" in need.permission} == {WEBHOOKS, BUILD}


def test_each_need_has_its_reason() -> None:
    assert all(len(need.why.split()) > 2 for need in NEEDS)


def test_the_readme_names_the_same_rights() -> None:
    text = README.read_text()
    for need in NEEDS:
        if need.purpose is OBSERVE:
            assert "*Metadata: read-only*" in text
            assert f"scope `{need.scope}`" in text


@given(
    st.frozensets(
        st.sampled_from(
            [f"{n.permission.split(':')[0]}:{level}" for n in NEEDS for level in ("read", "write", "admin")]
        )
    ),
    st.sampled_from(NEEDS),
)
def test_more_rights_never_lack_more(rights: frozenset[str], more: Need) -> None:
    fewer, all_of_them = app(*rights), app(*rights, more.permission)
    assert set(lacking(all_of_them, Purpose)) <= set(lacking(fewer, Purpose))
    assert has(all_of_them, more) is True
