"""The levels, and how programs write them. Sources: see `aggregator.stream.levels`."""

from __future__ import annotations

LEVELS: tuple[str, ...] = ("trace", "debug", "info", "notice", "warning", "error", "critical")

_BY_LEVEL = {
    "trace": ("trace", "trc", "finest", "finer", "verbose"),
    "debug": ("debug", "dbg", "dbug", "fine", "debug1", "debug2", "debug3", "debug4", "debug5"),
    "info": ("info", "inf", "information", "informational"),
    "notice": ("notice", "note"),
    "warning": ("warning", "warn", "wrn"),
    "error": ("error", "err", "eror", "severe"),
    "critical": ("critical", "crit", "fatal", "ftl", "panic", "dpanic", "alert", "emerg", "emergency"),
}
WORDS = {word: level for level, words in _BY_LEVEL.items() for word in words}
LETTERS = {
    "t": "trace", "v": "trace", "d": "debug", "i": "info", "n": "notice", "w": "warning", "e": "error",
    "f": "critical", "c": "critical",
}  # fmt: skip
_POSTGRES_PARTS = ("STATEMENT", "DETAIL", "HINT", "CONTEXT", "QUERY", "LOCATION")

CAPITALS = {word.upper(): level for word, level in WORDS.items()}
# Tokens that are a level as they stand, as they are commonly written. "" is for what is certainly none.
TOKENS = (
    {
        form.format(word): level
        for word, level in CAPITALS.items()
        for form in ("{}", "{}:", "{}]", "[{}", "<{}>", "|{}", "{}|")
    }
    | {
        form.format(word): level
        for lower, level in WORDS.items()
        for word in (lower, lower.capitalize(), lower.upper())
        for form in ("[{}]", "({})", "|{}|", "[{}]:")
    }
    | {"LOG:": "info", **{f"{part}:": "" for part in _POSTGRES_PARTS}}
)
# Those that are one where no plain word stands before: `prog[12]: error: …`, and between tabs.
BEFORE_COLON = {f"{word}:": level for lower, level in WORDS.items() for word in (lower, lower.capitalize())}

SYSLOG = ("critical", "critical", "critical", "error", "warning", "notice", "info", "debug")  # by severity 0 to 7
BUNYAN = {10: "trace", 20: "debug", 30: "info", 40: "warning", 50: "error", 60: "critical"}
