"""What asyncssh would let a server do to us. Importing this mends it."""

from __future__ import annotations

import asyncssh
from asyncssh.channel import SSHChannel
from asyncssh.constants import MSG_CHANNEL_WINDOW_ADJUST
from asyncssh.packet import SSHPacket, UInt32

_confirmed = SSHChannel.process_open_confirmation
_delivered = SSHChannel._deliver_data


class FrugalSession(asyncssh.SSHClientSession[bytes]):
    """A session that grants the host more bytes itself, with `grant`, when it has taken some.

    asyncssh grants them on delivery, those that wait in a paused channel once more: a host that sends faster than it
    is read would fill our memory, a megabyte for each pause.
    """


def grant(channel: SSHChannel[bytes], size: int) -> None:
    """Let the host send so many bytes more (RFC 4254, 5.2)."""
    channel._recv_window += size
    channel.send_packet(MSG_CHANNEL_WINDOW_ADJUST, UInt32(size))


def _process_open_confirmation(
    channel: SSHChannel[bytes], number: int, window: int, packet_size: int, packet: SSHPacket
) -> None:
    """Refuse a channel whose packets may hold no bytes (RFC 4254, 5.1): asyncssh's loop that fills them never ends."""
    if packet_size == 0:
        raise asyncssh.ProtocolError("a channel that takes packets of no bytes only")
    _confirmed(channel, number, window, packet_size, packet)


def _deliver_data(channel: SSHChannel[bytes], data: bytes, datatype: asyncssh.DataType) -> None:
    session = channel._session
    if isinstance(session, FrugalSession):
        session.data_received(data, datatype)
    else:
        _delivered(channel, data, datatype)


SSHChannel._deliver_data = _deliver_data  # type: ignore[method-assign,assignment]
SSHChannel.process_open_confirmation = _process_open_confirmation  # type: ignore[method-assign,assignment]
