"""What asyncssh would let a server do to us. Importing this mends it."""

from __future__ import annotations

import asyncssh
from asyncssh.channel import SSHChannel
from asyncssh.packet import SSHPacket

_confirmed = SSHChannel.process_open_confirmation


def _process_open_confirmation(
    channel: SSHChannel[bytes], number: int, window: int, packet_size: int, packet: SSHPacket
) -> None:
    """Refuse a channel whose packets may hold no bytes (RFC 4254, 5.1): asyncssh's loop that fills them never ends."""
    if packet_size == 0:
        raise asyncssh.ProtocolError("a channel that takes packets of no bytes only")
    _confirmed(channel, number, window, packet_size, packet)


SSHChannel.process_open_confirmation = _process_open_confirmation  # type: ignore[method-assign,assignment]
