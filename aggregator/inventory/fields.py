"""The kinds of values that the schema's keys take: checked, with a sentence for a person where they are wrong."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

import re2
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from aggregator import limits
from aggregator.inventory import address, durations, globs, hosts, paths

_ARGON2 = re.compile(
    r"\$argon2(?:id|i|d)\$v=[0-9]{1,3}\$m=[0-9]{1,10},t=[0-9]{1,10},p=[0-9]{1,8}"
    r"\$[A-Za-z0-9+/]{4,128}\$[A-Za-z0-9+/]{4,512}"
)
_ACCOUNT = re.compile(r"[A-Za-z0-9._:@+-]{1,128}")
_UNIT = re.compile(r"(?!-)[A-Za-z0-9:_.\\@-]{1,255}")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")


def _name(text: str) -> str:
    if not hosts.is_name(text):
        raise ValueError(f"{text!r} can't be a name: {hosts.NAME_RULE}")
    return text


def _account(text: str) -> str:
    if _ACCOUNT.fullmatch(text) is None:
        raise ValueError(f"{text!r} can't be a name of a user or token: letters, digits and . _ : @ + - only")
    return text


def _label_key(text: str) -> str:
    if text in paths.RESERVED:
        raise ValueError(f"a label can't be named {text!r}: ${{{text}}} stands for something else in paths")
    return _name(text)


def _bind(text: str) -> str:
    address.parse_bind(text)
    return text


def _syslog(text: str) -> str:
    address.parse_syslog(text)
    return text


def _source_path(text: str) -> str:
    paths.parse(text)
    return text


def _local_path(text: str) -> str:
    if not text or "\0" in text or "\n" in text:
        raise ValueError("must be the path of a file")
    return text


def _access_path(text: str) -> str:
    if text.startswith("/"):
        paths.check(text)
    elif not text.startswith(("journal:", "**")):
        raise ValueError(f"{text!r} must start with '/' or 'journal:', or be '**'")
    if "${" in text:
        raise ValueError("variables work in the paths of sources only; write a wildcard here")
    globs.compile_glob(text)
    return text


def _unit(text: str) -> str:
    if _UNIT.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not the name of a systemd unit like ssh.service")
    return text


def _timezone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError, below
        raise ValueError(f"{text!r} is not a timezone like Europe/Berlin or UTC") from None
    except KeyError:
        known = hosts.hint(text, available_timezones())
        raise ValueError(f"{text!r} is not a timezone like Europe/Berlin or UTC{known}") from None
    return text


def _password_hash(text: str) -> str:
    if _ARGON2.fullmatch(text) is None:
        raise ValueError("is not an argon2 hash like $argon2id$v=19$m=…; make one with 'tailon-agg passwd'")
    return text


def _token_hash(text: str) -> str:
    if re.fullmatch(r"sha256:[0-9a-fA-F]{64}", text) is None:
        raise ValueError("must be 'sha256:' and 64 hex digits; 'tailon-agg token' prints both a token and its hash")
    return text.lower()


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        try:
            wide = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise ValueError(f"{text!r} is not an address or network like 10.0.0.2/32") from None
        raise ValueError(f"{text!r} has host bits set; write {wide} for the network") from None
    return text


def _header(text: str) -> str:
    if _HEADER.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not the name of an HTTP header")
    return text


def _pattern(text: str) -> str:
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "syntax error"
        words = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"is not an RE2 pattern: {words}") from None
    if "\\A" in text or "\\z" in text:
        raise ValueError("has \\A or \\z; ^ and $ are a line's beginning and end")
    if compiled.search("") is not None:
        raise ValueError("matches the empty text, which stands everywhere")
    if compiled.programsize > limits.PATTERN_PROGRAM:
        raise ValueError("is too large; fewer or smaller repetitions would help")
    return text


_DURATION = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$"}]}
_DAYS = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[0-9]+d$"}]}

Name = Annotated[str, AfterValidator(_name)]
LabelKey = Annotated[str, AfterValidator(_label_key)]
Account = Annotated[str, AfterValidator(_account)]
Address = Annotated[str, AfterValidator(address.check_host)]
LoginName = Annotated[str, AfterValidator(address.check_user)]
Bind = Annotated[str, AfterValidator(_bind)]
PublicUrl = Annotated[str, AfterValidator(address.check_public_url)]
SyslogText = Annotated[str, AfterValidator(_syslog)]
Root = Annotated[str, AfterValidator(address.check_root)]
SourcePath = Annotated[str, AfterValidator(_source_path)]
LocalPath = Annotated[str, AfterValidator(_local_path)]
AccessPath = Annotated[str, AfterValidator(_access_path)]
Unit = Annotated[str, AfterValidator(_unit)]
Timezone = Annotated[str, AfterValidator(_timezone)]
PasswordHash = Annotated[str, AfterValidator(_password_hash)]
TokenHash = Annotated[str, AfterValidator(_token_hash)]
Network = Annotated[str, AfterValidator(_network)]
Header = Annotated[str, AfterValidator(_header)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Expiry = Annotated[Any, AfterValidator(durations.moment), WithJsonSchema({"type": "string"})]
Timeout = Annotated[
    float, BeforeValidator(durations.seconds), Field(ge=0.1, le=3600, allow_inf_nan=False), WithJsonSchema(_DURATION)
]
Days = Annotated[int, BeforeValidator(durations.days), Field(ge=1, le=36_500), WithJsonSchema(_DAYS)]
