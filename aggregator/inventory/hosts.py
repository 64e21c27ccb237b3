"""Names of hosts: what a name may hold, folded ranges, and the folding of many names for display.

Ranges are ClusterShell's (https://clustershell.readthedocs.io/, "Node sets"): `web-[1-20]`, `r[01-04]n[1,3-8/2]`.
ClusterShell expands one term and folds one number; it is given nothing that is not counted first.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException
from ClusterShell.RangeSet import RangeSet

from aggregator import limits

NAME = re.compile(r"[A-Za-z0-9._:-]+")
NAME_RULE = "letters, digits and . _ : - only"
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_STRETCH = re.compile(r"([0-9]{1,12})(?:-([0-9]{1,12})(?:/([0-9]{1,6}))?)?")
_NUMBER = re.compile(r"([0-9]+)")


def is_name(text: str) -> bool:
    """Whether `text` may name a host, group, source, label or label value."""
    return NAME.fullmatch(text) is not None and len(text) <= limits.NAME_CHARACTERS


def expand(term: str, most: int = limits.INVENTORY_HOSTS) -> list[str]:
    """The names that one term stands for, in order; a term without brackets stands for itself.

    Wildcards outside of brackets are kept. Raises ValueError with a sentence for a person, before anything is
    expanded if there would be more than `most` names.
    """
    if "[" not in term and "]" not in term:
        return [term]
    bare = _BRACKETS.sub("0", term)
    if "[" in bare or "]" in bare:
        raise ValueError(f"the brackets of {term!r} do not pair up")
    if "][" in term:
        raise ValueError(f"{term!r} has two ranges without text between them")
    count = 1
    for content in _BRACKETS.findall(term):
        count *= _count(content)
    if count > most:
        raise ValueError(f"{term!r} stands for {count:,} names; at most {most:,} are allowed")
    return _expand(term)


def _expand(term: str) -> list[str]:
    """Let ClusterShell expand a term; wildcards are hidden from it behind letters that no name holds."""
    hidden = term.replace("*", "\N{GREEK SMALL LETTER ALPHA}").replace("?", "\N{GREEK SMALL LETTER OMEGA}")
    try:
        names = list(NodeSet(hidden, resolver=RESOLVER_NOGROUP))
    except NodeSetException as error:
        raise ValueError(f"{term!r} is not a range: {error}") from None
    return [n.replace("\N{GREEK SMALL LETTER ALPHA}", "*").replace("\N{GREEK SMALL LETTER OMEGA}", "?") for n in names]


def _count(content: str) -> int:
    """How many numbers `1-5,8,10-20/2` stands for, without expanding it."""
    count = 0
    for stretch in content.split(","):
        match = _STRETCH.fullmatch(stretch)
        if match is None:
            raise ValueError(f"[{content}] is not a range; ranges look like [1-20], [01,03-08] or [0-10/2]")
        first, last, step = match[1], match[2] or match[1], int(match[3] or 1)
        if int(last) < int(first) or step == 0:
            raise ValueError(f"{stretch!r} in [{content}] is empty: it runs from {first} to {last}")
        if len(first) != len(last) and (first[0] == "0" or last[0] == "0"):
            raise ValueError(f"{stretch!r} in [{content}] mixes paddings; write {first.zfill(len(last))}-{last}")
        count += (int(last) - int(first)) // step + 1
    return count


def fold(names: Iterable[str]) -> str:
    """Names as one short selector for display, `db-1,web-[1-20]`; empty for no names.

    Of names with several numbers only the one that differs most is folded: ClusterShell's folding of several
    dimensions takes minutes for some thousand names.
    """
    families: dict[tuple[str, ...], list[list[str]]] = defaultdict(list)
    for name in set(names):
        parts = _NUMBER.split(name)
        families[tuple(parts[::2])].append(parts)
    return ",".join(term for _, term in sorted(term for family in families.values() for term in _fold(family)))


def _fold(family: list[list[str]]) -> Iterable[tuple[str, str]]:
    """Terms of names that differ in their numbers alone, each with the text it is sorted by."""
    places = range(1, len(family[0]), 2)
    if not places:
        return [(family[0][0], family[0][0])]
    place = max(places, key=lambda at: len({parts[at] for parts in family}))
    rows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for parts in family:
        rows["".join(parts[:place]), "".join(parts[place + 1 :])].append(parts[place])
    return [
        (before + min(numbers, key=_value), _term(before, numbers, after)) for (before, after), numbers in rows.items()
    ]


def _value(number: str) -> tuple[int, str]:
    return int(number), number


def _term(before: str, numbers: list[str], after: str) -> str:
    if len(numbers) == 1:
        return before + numbers[0] + after
    if any(len(number) > 12 for number in numbers):  # longer than a range may be read back with
        return ",".join(before + number + after for number in sorted(numbers, key=_value))
    return f"{before}[{RangeSet.fromlist(numbers)}]{after}"


def hint(wrong: str, known: Collection[str]) -> str:
    """` (did you mean 'web-1'?)`, or nothing where no known name is near or there are too many to look through."""
    if len(known) > limits.HINT_NAMES or len(wrong) > limits.NAME_CHARACTERS:
        return ""
    near = difflib.get_close_matches(wrong, known, n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""
