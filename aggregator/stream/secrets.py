"""The built-in kinds of secrets: what they look like in a line of a log. Private keys are `aggregator.stream.keys`'.

Sources: RFC 6750 (bearer tokens), RFC 7519 (JWT), ISO/IEC 7812-1 (card numbers and their
check digit), RFC 3986 (passwords in URLs), and the published prefixes of cloud vendors' keys.
"""

from __future__ import annotations

from dataclasses import dataclass

_CARD_PREFIXES = {  # the first digits of the numbers that are in use, by length
    13: ("4",),
    14: ("300", "301", "302", "303", "304", "305", "36", "38", "39"),
    15: ("34", "37"),
    16: ("4", "51", "52", "53", "54", "55", "22", "23", "24", "25", "26", "27", "35", "60", "62", "64", "65"),
    17: ("62",),
    18: ("62",),
    19: ("4", "60", "62", "64", "65"),
}


@dataclass(frozen=True, slots=True)
class Secret:
    """A kind of secret: RE2 whose group 1, or the whole match where there is none, is what must not be shown."""

    name: str
    pattern: str


BUILTIN = (
    Secret("bearer", r"(?i)\bbearer[ \t:=]+[\"']?([a-z0-9._~+/-]{8,}={0,2})"),
    Secret("bearer", r"(?i)\bauthorization[\"']?[ \t]*[:=][ \t]*[\"']?(?:basic|token|digest)[ \t]+([^\s\"',;]{4,})"),
    Secret("cloud-key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    Secret(
        "cloud-key", r"(?i)aws_?(?:secret_?)?(?:access_?)?key(?:_?id)?[\"']?[ \t]*[:=][ \t]*[\"']?([a-z0-9/+]{40}\b=?)"
    ),
    Secret("cloud-key", r"\bAIza[0-9A-Za-z_-]{35}"),
    Secret("cloud-key", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,})"),
    Secret("cloud-key", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    Secret("cloud-key", r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    Secret("cloud-key", r"(?i)\b(?:accountkey|sharedaccesskey)=([a-z0-9+/]{40,}={0,2})"),
    Secret("jwt", r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?"),
    Secret("url-credential", r"\b[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@\"']*:([^/\s\"']+)@"),
    Secret("url-credential", r"(?i)[?&](?:password|passwd|pwd|secret|token|access_token|api_?key)=([^&\s\"'#]+)"),
)

CARD_NAME = "card"
CARD = r"\b[2-6](?:[ -]?[0-9]){12,18}\b"  # candidates; `is_card` decides


def is_card(text: str) -> bool:
    """Whether a candidate's digits are a number in use: its length, its first digits, and Luhn's sum."""
    digits = [int(char) for char in text if char.isdigit()]
    number = "".join(map(str, digits))
    if not number.startswith(_CARD_PREFIXES.get(len(number), ())):
        return False
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
