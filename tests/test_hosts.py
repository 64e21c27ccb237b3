"""Host sets: names, folded ranges, and the selector language, held equal to ClusterShell's NodeSet on small sets."""

from __future__ import annotations

import time

import pytest
from ClusterShell.NodeSet import NodeSet
from ClusterShell.NodeUtils import GroupResolver, GroupSource
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import UsageError
from aggregator.inventory import hosts
from aggregator.inventory.selector import Universe, index_labels, select

LABELS = {
    "web-1": {"env": "prod", "app": "shop"},
    "web-2": {"env": "prod"},
    "web-3": {"env": "staging", "a:b": "c:d"},
    "web-10": {},
    "db-1": {"env": "prod", "app": "db"},
}
GROUPS = {
    "web": frozenset({"web-1", "web-2", "web-3", "web-10"}),
    "db": frozenset({"db-1"}),
    "none": frozenset[str](),
    "rack1": frozenset({"web-1"}),
    "rack2": frozenset({"web-2", "db-1"}),
}
UNIVERSE = Universe(frozenset(LABELS), GROUPS, index_labels(LABELS))


@pytest.mark.parametrize(
    ("selector", "folded"),
    [
        ("web-1", "web-1"),
        ("web-[1-3]", "web-[1-3]"),
        ("web-[1-3/2]", "web-[1,3]"),
        ("web-[1,10]", "web-[1,10]"),
        ("web-*", "web-[1-3,10]"),
        ("web-?", "web-[1-3]"),
        ("*-1", "db-1,web-1"),
        ("web-[1-9]*", "web-[1-3,10]"),
        ("*", "db-1,web-[1-3,10]"),
        ("@*", "db-1,web-[1-3,10]"),
        ("@web", "web-[1-3,10]"),
        ("@rack[1-2]", "db-1,web-[1-2]"),
        ("@env:prod", "db-1,web-[1-2]"),
        ("@env:*", "db-1,web-[1-3]"),
        ("@a:b:c:d", "web-3"),
        ("@a:b:*", "web-3"),
        ("web-*!web-3", "web-[1-2,10]"),
        ("@web&@env:prod", "web-[1-2]"),
        ("web-[1-2]^web-[2-3]", "web-[1,3]"),
        ("web-1,web-2&web-2,db-1", "db-1,web-2"),
        ("web-1,db-1!@web", "db-1"),
        ("web-1!web-1", ""),
        ("web-1&db-1", ""),
        ("@none", ""),
        ("@none,db-1", "db-1"),
    ],
)
def test_selectors_stand_for_hosts(selector: str, folded: str) -> None:
    assert hosts.fold(select(selector, UNIVERSE, "hosts")) == folded


@pytest.mark.parametrize(
    ("selector", "column", "words"),
    [
        ("wbe-1", 1, "unknown host 'wbe-1' (did you mean 'web-1'?)"),
        ("db-1,web-9", 6, "unknown host 'web-9'"),
        ("web-[1-4]", 1, "unknown host 'web-4'"),
        ("web-[1-9]", 1, "unknown hosts web-[4-9]"),
        ("web", 1, "the group is written '@web'"),
        ("@wbe", 1, "unknown group '@wbe' (did you mean 'web'?)"),
        ("@db-1", 1, "the host is written 'db-1'"),
        ("@env", 1, "hosts with that label: '@env:*'"),
        ("@evn:prod", 1, "no host has a label 'evn' (did you mean 'env'?)"),
        ("@env:prdo", 1, "label 'env' with the value 'prdo' (did you mean 'prod'?)"),
        ("@nope:*", 1, "no host has a label 'nope'"),
        ("x*", 1, "no host matches 'x*'"),
        ("@we*", 1, "wildcards match names of hosts, not groups"),
        ("", 1, "a name is missing here"),
        ("web-1,", 7, "a name is missing here"),
        ("!web-1", 1, "a name is missing here"),
        ("web-1,,db-1", 7, "a name is missing here"),
        ("@", 1, "the name of a group is missing"),
        (" web-1", 1, "spaces are not allowed"),
        ("web-1, db-1", 7, "spaces are not allowed"),
        ("web-1\n", 1, "spaces are not allowed"),
        ("web-[1-3", 1, "do not pair up"),
        ("web-1]", 1, "do not pair up"),
        ("web-[[1]]", 1, "do not pair up"),
        ("web-[]", 1, "[] is not a range"),
        ("web-[3-1]", 1, "is empty"),
        ("web-[1-3/0]", 1, "is empty"),
        ("web-[1&2]", 1, "is not a range"),
        ("web-[01-100]", 1, "mixes paddings; write 001-100"),
        ("web-[1][2]", 1, "two ranges without text"),
        ("web-$(id)", 1, "the character '$' can't be part of a name"),
        ("wéb-1", 1, "the character 'é' can't be part of a name"),
        ("\x00", 1, "can't be part of a name"),
        ("web-[1-999999999]", 1, "at most 20,000 are allowed"),
        ("r[1-999]n[1-999]", 1, "at most 20,000 are allowed"),
        (",".join(["web-[1-9999]"] * 9), 27, "at most 2 are allowed"),
        ("a," * 5_000, 4097, "more than 2,048 terms"),
        ("a" * 20_000, None, "longer than 16,384 characters"),
    ],
)
def test_wrong_selectors_are_told_with_their_column(selector: str, column: int | None, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        select(selector, UNIVERSE, "hosts")
    assert any(fault.column == column and words in fault.detail for fault in caught.value.faults), caught.value
    assert len(caught.value.faults) <= 10


@pytest.mark.parametrize("term", ["@all", "*", "n*", "@a:*", "n-1"])
@pytest.mark.parametrize("operator", ",&!^")
def test_no_selector_takes_long(term: str, operator: str) -> None:
    labels = {f"n-{number}": {"a": "b"} for number in range(10_000)}
    universe = Universe(frozenset(labels), {"all": frozenset(labels)}, index_labels(labels))
    before = time.process_time()
    found = answer("@all" + f"{operator}{term}" * 2_000, universe)
    assert time.process_time() - before < 2
    assert isinstance(found, frozenset) or "too many" in str(found)


def test_all_wrong_terms_are_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        select("a,web-1,b", UNIVERSE, "SELECTOR")
    assert [str(fault) for fault in caught.value.faults] == [
        "SELECTOR: unknown host 'a' (column 1)",
        "SELECTOR: unknown host 'b' (column 9)",
    ]


@pytest.mark.parametrize(
    ("selector", "folded"),
    [("*", "web-[1-2]"), ("@*", "web-[1-2]"), ("@web", "web-[1-2]"), ("@env:*", "web-[1-2]"), ("web-*", "web-[1-2]")],
)
def test_what_is_seen_is_of_visible_hosts_alone(selector: str, folded: str) -> None:
    seen = UNIVERSE.seen_by(frozenset({"web-1", "web-2"}))
    assert hosts.fold(select(selector, seen, "hosts")) == folded


@pytest.mark.parametrize(
    "selector",
    ["db-1", "@db", "@rack[1-2]", "@app:db", "@a:b:*", "@a:b:c:d", "@env:staging", "web-[1-3]", "web-3", "db-*", "@dx"],
)
def test_what_is_hidden_answers_as_what_is_unknown(selector: str) -> None:
    seen = UNIVERSE.seen_by(frozenset({"web-1", "web-2"}))
    without = {name: labels for name, labels in LABELS.items() if name in seen.names}
    groups = {name: members & seen.names for name, members in GROUPS.items() if name != "db"}
    alone = Universe(frozenset(without), groups, index_labels(without))
    assert answer(selector, seen) == answer(selector, alone)


def answer(selector: str, universe: Universe) -> object:
    """The set or the words of the fault."""
    try:
        return select(selector, universe, "hosts")
    except UsageError as error:
        return str(error)


TERMS = st.sampled_from(
    ["web-1", "web-2", "web-[1-3]", "web-[1,10]", "web-*", "web-?", "*", "@*", "@web", "@db", "@rack1", "db-1", "db-*"]
)
CLUSTERSHELL = GroupResolver(
    GroupSource("local", {name: ",".join(sorted(members)) for name, members in GROUPS.items()}, ",".join(LABELS))
)


@given(TERMS, st.lists(st.tuples(st.sampled_from(",&!^"), TERMS), max_size=6))
def test_selectors_are_what_clustershell_makes_of_them(first: str, rest: list[tuple[str, str]]) -> None:
    selector = first + "".join(operator + term for operator, term in rest)
    assert select(selector, UNIVERSE, "hosts") == set(NodeSet(selector, resolver=CLUSTERSHELL))


@given(st.text(alphabet="web-1d,&!^@*?[]:/ 0", max_size=20))
def test_any_text_is_a_set_or_a_fault(selector: str) -> None:
    found = answer(selector, UNIVERSE)
    assert found <= set(LABELS) if isinstance(found, frozenset) else "hosts: " in str(found)


NAMES = st.from_regex(r"[a-z]{0,2}-?(0|1|2|01|02|10|123456789012345)?(\.[a-b])?-?[0-3]{0,2}", fullmatch=True).filter(
    bool
)


@given(st.frozensets(NAMES, max_size=30))
def test_folded_names_stand_for_the_same_hosts(names: frozenset[str]) -> None:
    universe = Universe(names, {}, {})
    folded = hosts.fold(names)
    assert (select(folded, universe, "hosts") if folded else frozenset()) == names


@pytest.mark.parametrize(
    ("names", "folded"),
    [
        ([], ""),
        (["web-1", "db"], "db,web-1"),
        (["web-1", "web-2", "web-10"], "web-[1-2,10]"),
        (["web-01", "web-02"], "web-[01-02]"),
        (["ip-10-0-0-1", "ip-10-0-0-2", "ip-10-0-0-4"], "ip-10-0-0-[1-2,4]"),
        (["r1n1", "r1n2", "r1n3", "r2n1"], "r1n[1-3],r2n1"),
        (["n1.prod2", "n2.prod2"], "n[1-2].prod2"),
    ],
)
def test_names_are_folded_for_display(names: list[str], folded: str) -> None:
    assert hosts.fold(names) == folded


def test_slow_families_are_folded_quickly() -> None:
    names = [f"ip-10-{a}-{b}-{c}" for a in range(5) for b in range(10) for c in range(100)]
    before = time.process_time()
    assert hosts.fold(names).startswith("ip-10-0-0-[0-99],")
    assert time.process_time() - before < 2


@pytest.mark.parametrize(
    ("term", "names"),
    [
        ("web", ["web"]),
        ("r[01-02]n[1-2]", ["r01n1", "r01n2", "r02n1", "r02n2"]),
        ("a[1-2].b", ["a1.b", "a2.b"]),
        ("web-[98-102]", ["web-98", "web-99", "web-100", "web-101", "web-102"]),
        ("[0-1]", ["0", "1"]),
        ("w[1]*?", ["w1*?"]),
    ],
)
def test_ranges_are_expanded_in_order(term: str, names: list[str]) -> None:
    assert hosts.expand(term) == names
