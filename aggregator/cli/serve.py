"""`tailon-agg`: serve the unified view until TERM or INT; HUP reloads the inventory."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import stat
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from aggregator import limits
from aggregator.cli.options import Settings, check_tls
from aggregator.cli.state import StateFolder, folder_for, open_audit
from aggregator.errors import ConfigError, TailonError
from aggregator.inventory import Bind, Inventory, TcpBind
from aggregator.metrics import Metrics
from aggregator.openfiles import allow_open_files
from aggregator.remote.ssh import SshTransport
from aggregator.service import Aggregator

log = logging.getLogger(__name__)

Reload = Callable[[], Inventory]


def refuse_unguarded(settings: Settings, inventory: Inventory) -> None:
    """Raise ConfigError for addresses that others reach, where nothing says who they are or a password would go over
    the network as it is."""
    open_to_others = [bind for bind in settings.bind if isinstance(bind, TcpBind) and not _is_loopback(bind.host)]
    if not open_to_others:
        return
    bind, access = open_to_others[0], inventory.access
    if access is None:
        raise ConfigError(
            f"{bind} is not a loopback address, and without an access: section anybody who reaches it may read "
            "everything; bind to 127.0.0.1, or to a unix: socket"
        )
    if access.users and settings.tls_cert is None and not (access.proxy and access.proxy.trusted):
        raise ConfigError(
            f"{bind} is not a loopback address, and passwords of access.users would cross the network unencrypted; "
            "give --tls-cert and --tls-key, name a trusted proxy under access.proxy, or bind to 127.0.0.1"
        )


async def serve(settings: Settings, inventory: Inventory, environ: Mapping[str, str], reload: Reload) -> None:
    """Serve until TERM or INT. Raises ConfigError."""
    from web.app import create_app  # noqa: PLC0415 - `web` is a name that other distributions use too
    from web.authority import Authority  # noqa: PLC0415

    refuse_unguarded(settings, inventory)
    check_tls(settings)
    allow_open_files()
    metrics = Metrics()
    tls = settings.tls_cert is not None
    with contextlib.ExitStack() as stack:
        state = stack.enter_context(StateFolder(folder_for(settings, environ)))
        listeners = [stack.enter_context(contextlib.closing(_listen(bind))) for bind in settings.bind]
        binds = [_name(listener) for listener in listeners]
        async with (
            await open_audit(settings, inventory, state, metrics) as audit,
            Aggregator(inventory, SshTransport(), audit, metrics, state.path / "places.json") as aggregator,
        ):
            authority = Authority.of(binds, settings.public_url, tls=tls)
            app = create_app(aggregator, authority, settings.relative_root, allow_download=settings.allow_download)
            server = _Server(_config(app, settings), binds, aggregator)
            with _signals(aggregator, settings, server, reload):
                await server.serve(sockets=listeners)


class _Server(uvicorn.Server):
    """A server that leaves signals to us, says where it listens once it answers, and lets views tell their end."""

    def __init__(self, config: uvicorn.Config, binds: list[str], aggregator: Aggregator) -> None:
        super().__init__(config)
        self._binds = binds
        self._aggregator = aggregator

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        scheme = "https" if self.config.is_ssl else "http"
        for bind in self._binds:
            log.info("listening on %s", bind if bind.startswith("unix:") else f"{scheme}://{bind}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn closes WebSockets at once and with 1012; theirs is `shutdown` and 1001, a moment later."""
        end = time.monotonic() + limits.FAREWELL
        while self._aggregator.views and not self.force_exit and time.monotonic() < end:  # noqa: ASYNC110 - a mere flag
            await asyncio.sleep(limits.FAREWELL_BEAT)
        await super().shutdown(sockets)


def _config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    try:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=True,
            proxy_headers=False,
            http="web.patience:PatientProtocol",
            ws="websockets-sansio",
            ws_per_message_deflate=False,  # costs four times a plain send
            ws_max_size=limits.WS_MESSAGE,
            h11_max_incomplete_event_size=limits.REQUEST_HEAD,
            timeout_graceful_shutdown=limits.DRAIN - limits.FAREWELL,
            ssl_certfile=settings.tls_cert,
            ssl_keyfile=settings.tls_key,
        )
        config.load()
    except OSError as error:
        raise ConfigError(f"the certificate or its key can't be used: {error}") from error
    return config


@contextlib.contextmanager
def _signals(aggregator: Aggregator, settings: Settings, server: uvicorn.Server, reload: Reload) -> Iterator[None]:
    """TERM and INT drain and stop; a second one stops at once; HUP reloads."""
    loop = asyncio.get_running_loop()
    running: set[asyncio.Task[None]] = set()

    def stop() -> None:
        server.force_exit = server.should_exit
        aggregator.drain()
        server.should_exit = True

    def start(work: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.ensure_future(work())
        running.add(task)
        task.add_done_callback(running.discard)

    async def again() -> None:
        await _reload(aggregator, settings, reload)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, start, again)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)


async def _reload(aggregator: Aggregator, settings: Settings, reload: Reload) -> None:
    """Take the new inventory if it is right; keep the old one if not."""
    try:
        inventory = await asyncio.to_thread(reload)
        refuse_unguarded(settings, inventory)
        before = aggregator.inventory
        await aggregator.reload(inventory)
    except TailonError as error:
        log.error("the inventory was not reloaded, the old one stays: %s", error)
    else:
        log.info("the inventory was reloaded: %d hosts, %d sources", len(inventory.hosts), len(inventory.sources))
        changed = {"audit": inventory.audit != before.audit, "server": inventory.server != before.server}
        for name in (name for name, differs in changed.items() if differs):
            log.warning("`%s:` is read at start only; restart to go by what is there now", name)


def _listen(bind: Bind) -> socket.socket:
    """A listening socket. Raises ConfigError."""
    with contextlib.ExitStack() as stack:
        try:
            listener = _tcp_socket(bind, stack) if isinstance(bind, TcpBind) else _unix_socket(bind.path, stack)
            listener.listen(limits.BACKLOG_CONNECTIONS)
        except OSError as error:
            step = "; stop what listens there, or choose another with --bind" if error.errno == errno.EADDRINUSE else ""
            raise ConfigError(f"can't listen on {bind}: {error.strerror or error}{step}") from error
        stack.pop_all()
    return listener


def _tcp_socket(bind: TcpBind, stack: contextlib.ExitStack) -> socket.socket:
    """The protocol is named because asyncio sets TCP_NODELAY only then; without it an answer takes 40 ms."""
    family, kind, _, _, address = socket.getaddrinfo(bind.host, bind.port, type=socket.SOCK_STREAM)[0]
    listener = stack.enter_context(socket.socket(family, kind, socket.IPPROTO_TCP))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(address)
    return listener


def _unix_socket(path: Path, stack: contextlib.ExitStack) -> socket.socket:
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode) and not _answers(str(path)):
        path.unlink()  # left behind by a process that is gone
    listener = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    before = os.umask(0o117)  # owner and group: a socket without a login is as good as its mode
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    return listener


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(path) == 0


def _name(listener: socket.socket) -> str:
    address = listener.getsockname()
    if listener.family == socket.AF_UNIX:
        return f"unix:{address}"
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
