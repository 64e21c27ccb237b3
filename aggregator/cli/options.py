"""The options of all commands: one table, from which flags, variables and help are made. Flag > environment > file."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aggregator.errors import ConfigError, Fault, UsageError
from aggregator.inventory import Bind, Inventory, TcpBind, parse_bind

PREFIX = "TAILON_AGG_"
LOG_FORMATS = ("text", "json")
LOG_LEVELS = ("debug", "info", "warning", "error", "critical")


@dataclass(frozen=True, slots=True)
class Option:
    """An option: its flags, the metavariable of its value, and a sentence."""

    flags: tuple[str, ...]
    metavar: str
    words: str
    repeatable: bool = False
    choices: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        return self.flags[-1].removeprefix("--").replace("-", "_")

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()


OPTIONS = (
    Option(("--inventory",), "FILE|DIR", "the inventory; later ones overlay earlier ones", repeatable=True),
    Option(("--env",), "NAME", "with a folder: read base.yaml, then NAME.yaml"),
    Option(("-b", "--bind"), "ADDR:PORT|unix:PATH", "listen here (default 127.0.0.1:8080; port 0 picks one)", True),
    Option(("-r", "--relative-root"), "PATH", "serve under this path (default /)"),
    Option(("--public-url",), "URL", "an address this is reached at from outside, beside the binds", True),
    Option(("--state-dir",), "DIR", "the folder for what must be kept (default $XDG_STATE_HOME/tailon-agg)"),
    Option(("--audit-log",), "FILE", "the audit log (default audit.jsonl in the state folder)"),
    Option(("--tls-cert",), "FILE", "serve HTTPS with this certificate chain"),
    Option(("--tls-key",), "FILE", "the certificate's private key"),
    Option(("--log-format",), "FORMAT", "of the program's own log: text or json", choices=LOG_FORMATS),
    Option(("--log-level",), "LEVEL", f"of the program's own log: {', '.join(LOG_LEVELS)}", choices=LOG_LEVELS),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The options as they count; paths are as given, relative ones to the working folder."""

    inventory: tuple[Path, ...]
    env: str | None
    bind: tuple[Bind, ...]
    relative_root: str
    public_url: tuple[str, ...]
    allow_download: bool
    state_dir: Path | None
    audit_log: Path | None
    tls_cert: Path | None
    tls_key: Path | None
    log_format: str
    log_level: str


def add_to(parser: argparse.ArgumentParser, *, early: bool = False) -> None:
    """Give a parser the shared options; `early` for those before a subcommand, kept apart so that both count."""
    group = parser.add_argument_group("options of all commands")
    for option in OPTIONS:
        kind: dict[str, Any] = {"action": "append"} if option.repeatable else {"choices": option.choices}
        dest = f"early_{option.name}" if early else option.name
        words = f"{option.words} [{option.variable}]"
        group.add_argument(*option.flags, metavar=option.metavar, dest=dest, help=words, default=None, **kind)
    group.add_argument(
        "--allow-download",
        action=argparse.BooleanOptionalAction,
        dest="early_allow_download" if early else "allow_download",
        default=None,
        help=f"whether whole logs may be downloaded (default: yes) [{PREFIX}ALLOW_DOWNLOAD]",
    )


def inventory_paths(given: argparse.Namespace) -> tuple[Path, ...]:
    """The inventories that flags name, in their order."""
    return tuple(Path(text) for text in [*(given.early_inventory or ()), *(given.inventory or ())])


def resolve(given: argparse.Namespace, environ: Mapping[str, str], inventory: Inventory | None = None) -> Settings:
    """Flag > environment > the inventory's `server:` > default. Raises UsageError, ConfigError."""
    server = inventory.server if inventory else None
    values = {option.name: _value(option, given, environ) for option in OPTIONS}
    binds = [_bind(text) for text in values["bind"]] or list(server.bind if server else ())
    return Settings(
        inventory=inventory_paths(given),
        env=values["env"],
        bind=tuple(binds) or (TcpBind("127.0.0.1", 8080),),
        relative_root=values["relative_root"] or (server and server.relative_root) or "/",
        public_url=tuple(values["public_url"]) or (server.public_url if server else ()),
        allow_download=_allow_download(given, environ, server.allow_download if server else None),
        state_dir=_path(values["state_dir"]) or (server.state_dir if server else None),
        audit_log=_path(values["audit_log"]) or (server.audit_log if server else None),
        tls_cert=_path(values["tls_cert"]) or (server.tls_cert if server else None),
        tls_key=_path(values["tls_key"]) or (server.tls_key if server else None),
        log_format=values["log_format"] or (server and server.log_format) or "text",
        log_level=values["log_level"] or (server and server.log_level) or "info",
    )


def _value(option: Option, given: argparse.Namespace, environ: Mapping[str, str]) -> Any:
    flag = getattr(given, option.name, None)
    early = getattr(given, f"early_{option.name}", None)
    if option.repeatable:
        flags = [*(early or ()), *(flag or ())]
        return flags or [part for part in environ.get(option.variable, "").split(",") if part]
    value = flag if flag is not None else early if early is not None else environ.get(option.variable) or None
    if value is not None and option.choices and value not in option.choices:
        raise UsageError(Fault(option.variable, f"one of {', '.join(option.choices)}, not {value!r}"))
    return value


def _bind(text: str) -> Bind:
    try:
        return parse_bind(text, Path.cwd())
    except ValueError as error:
        raise UsageError(Fault("--bind", str(error))) from None


def _path(text: str | None) -> Path | None:
    return Path(text).absolute() if text else None


def _allow_download(given: argparse.Namespace, environ: Mapping[str, str], file: bool | None) -> bool:
    for value in (given.allow_download, given.early_allow_download):
        if value is not None:
            return bool(value)
    text = environ.get(f"{PREFIX}ALLOW_DOWNLOAD", "").lower()
    if text in ("1", "true", "yes", "0", "false", "no"):
        return text in ("1", "true", "yes")
    if text:
        raise UsageError(Fault(f"{PREFIX}ALLOW_DOWNLOAD", f"true or false, not {text!r}"))
    return True if file is None else file


def check_tls(settings: Settings) -> None:
    """Raise ConfigError for a certificate without its key, or the other way round."""
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise ConfigError("--tls-cert and --tls-key go together; one of them is missing")
