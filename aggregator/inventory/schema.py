"""The inventory's schema, version 1: every key, its kind and what it is for (docs/inventory.md says it at length)."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from aggregator.inventory import fields
from aggregator.inventory.settings import Action, LogFormat, LogLevel

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Section(BaseModel):
    """A mapping with known keys; unknown ones are refused, and no value is converted to fit."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class ServerSection(Section):
    """How the web view is served; each key is the command line option of that name, which wins."""

    bind: list[fields.Bind] = Field(default=[], description="Where to listen: ADDR:PORT, [IPv6]:PORT or unix:PATH.")
    relative_root: fields.Root | None = Field(default=None, description="Path under which the pages are served.")
    public_url: list[fields.PublicUrl] = Field(
        default=[], description="Allowed external hosts and origins beside the binds."
    )
    allow_download: bool | None = Field(default=None, description="Whether log text may be downloaded as files.")
    state_dir: fields.LocalPath | None = Field(default=None, description="Folder for the audit log and other state.")
    audit_log: fields.LocalPath | None = Field(default=None, description="File of the audit log; wins over audit.file.")
    tls_cert: fields.LocalPath | None = Field(default=None, description="PEM file of the certificate and its chain.")
    tls_key: fields.LocalPath | None = Field(default=None, description="PEM file of the certificate's private key.")
    log_format: LogFormat | None = Field(default=None, description="Form of the program's own log on stderr.")
    log_level: LogLevel | None = Field(default=None, description="Least level of the program's own log that is shown.")


class SshSection(Section):
    """How hosts are reached; under `ssh:` the defaults of all hosts, which a host overrides key by key."""

    user: fields.LoginName | None = Field(
        default=None, description="Account to log in with; else ssh_config's, else yours."
    )
    port: fields.Port | None = Field(default=None, description="Port of the SSH server; else ssh_config's, else 22.")
    config: list[fields.LocalPath] | None = Field(default=None, description="ssh_config files; [] reads none.")
    known_hosts: list[fields.LocalPath] | None = Field(
        default=None, description="Files with the host keys that are trusted."
    )
    identity_files: list[fields.LocalPath] | None = Field(default=None, description="Private keys to log in with.")
    connect_timeout: fields.Timeout | None = Field(default=None, description="Longest wait for a connection, like 10s.")
    keepalive: fields.Timeout | None = Field(
        default=None, description="Time between checks of an idle connection, like 15s."
    )
    gate: bool | None = Field(default=None, description="Whether the host runs our gate as a forced command.")
    server: Literal["openssh", "dropbear"] | None = Field(default=None, description="What serves SSH on the host.")


class HostSection(SshSection):
    """A host, or a folded range of them; every key of `ssh:` may stand here and wins."""

    address: fields.Address | None = Field(
        default=None, description="Name or IP address to connect to; else the host's name."
    )
    labels: dict[fields.LabelKey, fields.Name] = Field(default={}, description="Labels, for selectors and for paths.")
    jump: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="Host to go through: a host of the inventory or [user@]host[:port]."
    )
    ssh: SshSection | None = Field(
        default=None, description="The keys of ssh:, for this host; another way to write them."
    )


class SourceSection(Section):
    """A log on some hosts: a `path` of files or the `journal` of a unit."""

    hosts: str = Field(description='Selector of the hosts that have it, like "@web" or "web-*,db-1".')
    path: fields.SourcePath | None = Field(
        default=None, description="Absolute path; wildcards * ? [] ** and ${host}, ${date}, ${LABEL} are allowed."
    )
    journal: fields.Unit | None = Field(
        default=None, description="Systemd unit whose journal is read, like ssh.service."
    )
    retention: fields.Days | None = Field(default=None, description="Days that dated and rotated files are looked for.")
    timezone: fields.Timezone | None = Field(
        default=None, description="IANA zone of stamps and dates; else the host's own."
    )


class RuleSection(Section):
    """Allows actions on files; what no rule allows is denied."""

    hosts: str = Field(description="Selector of the hosts that the rule is for.")
    paths: list[fields.AccessPath] = Field(description="Path patterns: * within a segment, ** across.", min_length=1)
    actions: list[Action] = Field(description="What is allowed on them.", min_length=1)


class RoleSection(Section):
    """A set of rules under a name."""

    allow: list[RuleSection] = Field(description="Rules; one that matches is enough.")


class UserSection(Section):
    """Somebody who logs in with a password."""

    password_hash: fields.PasswordHash = Field(description="Argon2 hash, as tailon-agg passwd prints it.")
    roles: list[fields.Name] = Field(description="Names of roles.")


class TokenSection(Section):
    """A bearer token for programs."""

    hash: fields.TokenHash = Field(description="sha256: and the hex SHA-256 of the whole token string.")
    roles: list[fields.Name] = Field(description="Names of roles.")
    expires: fields.Expiry | None = Field(
        default=None, description="Day (its start, UTC) or time with a zone; else never."
    )


class SecretHeaderSection(Section):
    """What proves that a request came through the proxy."""

    name: fields.Header = Field(description="Header that carries the secret.")
    file: fields.LocalPath = Field(description="File that holds the secret.")


class ProxySection(Section):
    """A reverse proxy that says in headers who asks."""

    trusted: list[fields.Network] = Field(default=[], description="Networks of TCP peers whose headers are believed.")
    secret_header: SecretHeaderSection | None = Field(
        default=None, description="Needed for TCP peers, not for a unix: bind."
    )
    user_header: fields.Header = Field(description="Header with the name of the user.")
    groups_header: fields.Header | None = Field(
        default=None, description="Header with the user's groups, comma-separated."
    )
    group_roles: dict[str, list[fields.Name]] = Field(default={}, description="Group of that header to names of roles.")


class AccessSection(Section):
    """Who may see what. Without it the view is served on loopback only, to one principal `local`."""

    roles: dict[fields.Name, RoleSection] = Field(default={}, description="Roles by name.")
    users: dict[fields.Account, UserSection] = Field(default={}, description="Users by name.")
    tokens: dict[fields.Account, TokenSection] = Field(default={}, description="Tokens by name.")
    proxy: ProxySection | None = Field(default=None, description="Identity from a reverse proxy.")


class SyslogSection(Section):
    """A syslog server (RFC 5424)."""

    address: fields.SyslogText = Field(description="unix:/dev/log, or tcp://HOST:PORT.")


class AuditSection(Section):
    """The record of every look."""

    file: fields.LocalPath | None = Field(default=None, description="File, relative to the state folder.")
    syslog: SyslogSection | None = Field(default=None, description="A syslog server that gets a copy.")


class PatternSection(Section):
    """A kind of text that is hidden."""

    name: fields.Name = Field(description="Stands in the text's place: [redacted:NAME].")
    pattern: fields.Pattern = Field(description="RE2 pattern of what is hidden.", min_length=1)


class RedactSection(Section):
    """What is hidden from those without the action `reveal`."""

    builtin: bool = Field(default=True, description="Whether the patterns for keys, tokens and passwords are used.")
    patterns: list[PatternSection] = Field(default=[], description="Patterns of your own.")


class InventorySection(Section):
    """The inventory of tailon-agg: hosts, the logs on them, and who may see what."""

    version: Literal[1] = Field(description="Version of this schema.")
    server: ServerSection = Field(default_factory=ServerSection, description="How the web view is served.")
    ssh: SshSection = Field(default_factory=SshSection, description="How hosts are reached, unless they say otherwise.")
    hosts: dict[str, HostSection] = Field(default={}, description="Hosts by name or folded range, like web-[1-20].")
    groups: dict[fields.Name, str] = Field(default={}, description="Groups by name, each a selector.")
    sources: dict[fields.Name, SourceSection] = Field(default={}, description="Logs by name.")
    access: AccessSection | None = Field(default=None, description="Who may see what.")
    audit: AuditSection = Field(default_factory=AuditSection, description="Where every look is recorded.")
    redact: RedactSection = Field(default_factory=RedactSection, description="What is hidden in log text.")


@cache
def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one inventory file, for editors."""
    generated = InventorySection.model_json_schema()
    return {"$schema": DIALECT, **_without_null(generated), "title": "tailon-agg inventory, version 1"}


def _without_null(value: Any) -> Any:
    """`anyOf: [X, null], default: null` as X: null deletes in overlays, so no key of one file takes it."""
    if isinstance(value, list):
        return [_without_null(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _without_null(item) for key, item in value.items() if key != "title" or not isinstance(item, str)}
    options = found.get("anyOf", [])
    if {"type": "null"} in options:
        left = [option for option in options if option != {"type": "null"}]
        del found["anyOf"]
        found = {**left[0], **found} if len(left) == 1 else {"anyOf": left, **found}
    if found.get("default", ...) is None:
        del found["default"]
    return found
