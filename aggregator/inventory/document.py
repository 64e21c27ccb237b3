"""One YAML file as nodes with marks: one document, no tags, no duplicate keys, bounded in every direction.

Built on PyYAML's events (libyaml): its own composer loses explicit tags, takes duplicate keys and recurses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import yaml

from aggregator import limits
from aggregator.errors import ConfigError, ConfigFault, Mark
from aggregator.inventory import scalars
from aggregator.inventory.node import Entry, Listing, Node, Scalar, Table

_MERGE_KEY = "<<"
_EMPTY = "is empty; an inventory begins with 'version: 1' (an overlay that says nothing is {})"
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Everything but YAML's c-printable (1.2.2, section 5.1); a byte order mark within the text is refused, too."""


def compose(text: str, file: str) -> tuple[Table, list[ConfigFault]]:
    """The mapping that a document is, and the faults that did not stop the reading.

    Raises ConfigError with all faults so far for what can't be read on: bad syntax, an alias bomb, no mapping.
    """
    wrong = _UNPRINTABLE.search(text)
    if wrong:
        mark = Mark(file, text.count("\n", 0, wrong.start()) + 1, wrong.start() - text.rfind("\n", 0, wrong.start()))
        raise ConfigError([ConfigFault(mark, "", f"the character U+{ord(wrong[0]):04X} can't be part of YAML")])
    reader = _Reader(text, file)
    try:
        return reader.document(), reader.faults
    except _Stop as stop:
        raise ConfigError([*reader.faults, stop.fault]) from None
    except yaml.MarkedYAMLError as error:
        raise ConfigError([*reader.faults, _syntax_fault(error, text, file)]) from None


class _Stop(Exception):
    """A fault after which reading on makes no sense."""

    def __init__(self, fault: ConfigFault) -> None:
        self.fault = fault
        super().__init__(str(fault))


class _Reader:
    """Turns events into nodes, one level of nesting a call; collects faults."""

    def __init__(self, text: str, file: str) -> None:
        self.faults: list[ConfigFault] = []
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.CSafeLoader)
        self._file = file
        self._anchors: dict[str, Node | None] = {}

    def document(self) -> Table:
        next(self._events)
        start = next(self._events)
        if not isinstance(start, yaml.DocumentStartEvent):
            raise _Stop(ConfigFault(Mark(self._file, 1, 1), "", _EMPTY))
        root = self._node(next(self._events), 0, "")
        next(self._events)
        end = next(self._events)
        if isinstance(end, yaml.DocumentStartEvent):
            raise _Stop(ConfigFault(self._mark(end), "", "a second document starts here; a file holds one"))
        if isinstance(root, Scalar) and root.value is None:
            raise _Stop(ConfigFault(root.mark, "", _EMPTY))
        if not isinstance(root, Table):
            raise _Stop(ConfigFault(root.mark, "", "must be a mapping of keys like 'version: 1', not a list or text"))
        return root

    def _mark(self, event: yaml.Event) -> Mark:
        start = event.start_mark
        return Mark(self._file, start.line + 1, start.column + 1) if start else Mark(self._file, 1, 1)

    def _fault(self, mark: Mark, path: str, detail: str) -> None:
        if len(self.faults) < limits.INVENTORY_FAULTS:
            self.faults.append(ConfigFault(mark, path, detail))

    def _node(self, event: yaml.Event, depth: int, path: str) -> Node:
        mark = self._mark(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, mark, path)
        if depth > limits.INVENTORY_DEPTH:
            raise _Stop(ConfigFault(mark, path, f"nested deeper than {limits.INVENTORY_DEPTH} levels"))
        anchor: str | None = getattr(event, "anchor", None)
        tag: str | None = getattr(event, "tag", None)
        if anchor is not None:
            self._anchors[anchor] = None
        if tag is not None:
            self._fault(mark, path, f"tags are not allowed: remove {_short_tag(tag)}")
        node = self._content(event, mark, depth, path, tagged=tag is not None)
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _check_size(self, size: int, mark: Mark, path: str) -> None:
        if size > limits.INVENTORY_NODES:
            detail = f"holds more than {limits.INVENTORY_NODES:,} values (aliases written out)"
            raise _Stop(ConfigFault(mark, path, detail))

    def _content(self, event: yaml.Event, mark: Mark, depth: int, path: str, *, tagged: bool) -> Node:
        if isinstance(event, yaml.MappingStartEvent):
            return self._table(mark, depth, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._listing(mark, depth, path)
        assert isinstance(event, yaml.ScalarEvent)  # noqa: S101 - there is no other event where a node may stand
        scalar = self._scalar(event, mark, path)
        return replace(scalar, sound=False) if tagged else scalar

    def _alias(self, event: yaml.AliasEvent, mark: Mark, path: str) -> Node:
        if event.anchor not in self._anchors:
            detail = f"the alias '*{event.anchor}' has no anchor '&{event.anchor}' before it"
            raise _Stop(ConfigFault(mark, path, detail))
        node = self._anchors[event.anchor]
        if node is None:
            raise _Stop(ConfigFault(mark, path, f"the alias '*{event.anchor}' stands inside of what it names"))
        return node

    def _scalar(self, event: yaml.ScalarEvent, mark: Mark, path: str) -> Scalar:
        if not event.implicit[0]:  # quoted, in a block, or tagged
            return Scalar(event.value, mark)
        try:
            return Scalar(scalars.resolve(event.value), mark)
        except ValueError as error:
            self._fault(mark, path, str(error))
            return Scalar(event.value, mark, sound=False)

    def _listing(self, mark: Mark, depth: int, path: str) -> Listing:
        items: list[Node] = []
        size = 1
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1, f"{path}[{len(items)}]"))
            size += items[-1].size
            self._check_size(size, mark, path)
        return Listing(tuple(items), mark, size)

    def _table(self, mark: Mark, depth: int, path: str) -> Table:
        entries: dict[str, Entry] = {}
        size = 1
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key_mark = self._mark(event)
            key = self._key(self._node(event, depth + 1, path), key_mark, path)
            inner = f"{path}.{key}" if path and key else key or path
            node = self._node(next(self._events), depth + 1, inner)
            size += node.size
            self._check_size(size, mark, path)
            if key is None:
                continue
            if key in entries:
                first = entries[key].mark
                self._fault(key_mark, inner, f"this key is here twice; the first is at {first.line}:{first.column}")
                continue
            entries[key] = Entry(key, key_mark, node)
        return Table(entries, mark, size)

    def _key(self, node: Node, mark: Mark, path: str) -> str | None:
        """The text of a key; None, after reporting it, for one that is no text."""
        if not isinstance(node, Scalar):
            self._fault(mark, path, "a key must be text, not a list or mapping")
        elif not node.sound:
            return None
        elif not isinstance(node.value, str):
            self._fault(mark, path, f"the key {_written(node.value)} is not text; quote it")
        elif node.value == _MERGE_KEY:
            self._fault(mark, path, "merge keys ('<<') are not part of YAML 1.2; repeat the keys, or use an overlay")
        else:
            return node.value
        return None


def _written(value: int | float | bool | None) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _short_tag(tag: str) -> str:
    prefix = "tag:yaml.org,2002:"
    return f"'!!{tag.removeprefix(prefix)}'" if tag.startswith(prefix) else repr(tag)


def _syntax_fault(error: yaml.MarkedYAMLError, text: str, file: str) -> ConfigFault:
    """libyaml's words, at the place of the problem rather than of its context."""
    at = error.problem_mark or error.context_mark
    mark = Mark(file, at.line + 1, at.column + 1) if at else Mark(file, 1, 1)
    lines = text.split("\n")
    if at and at.line < len(lines) and lines[at.line][at.column : at.column + 1] == "\t":
        return ConfigFault(mark, "", "not YAML: a tab stands here; YAML is indented with spaces")
    words = ", ".join(part for part in (error.problem, error.context) if part)
    return ConfigFault(mark, "", f"not YAML: {words or 'the text ends too early'}")
