"""Checkpoints: records that sign the chain up to them (Ed25519, RFC 8032), so that nobody without the key can write the
log anew from some record on."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from aggregator.access.chain import Link
from aggregator.access.events import Event
from aggregator.errors import ConfigError

KEY_FILE = "audit.key"


class Signer:
    """Signs the ends of a chain. `key` is the public key, base64."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.key = base64.b64encode(private.public_key().public_bytes_raw()).decode()

    @classmethod
    def at(cls, path: Path) -> Signer:
        """The signer whose key is in a file (PEM, 0600), which is made where it is not there. Raises ConfigError."""
        try:
            if not path.exists():
                _make(path)
            private = load_pem_private_key(path.read_bytes(), None)
        except (OSError, ValueError) as error:
            raise ConfigError(f"the audit log's key {path} can't be used: {error}") from None
        if not isinstance(private, Ed25519PrivateKey):
            raise ConfigError(f"the audit log's key {path} is none of Ed25519; move it away, and one is made")
        return cls(private)

    def checkpoint(self, last: Link, previous_file: str | None = None) -> bytes:
        """The members of a record that follows `last` and signs it; `previous_file` where a new file begins with it."""
        signature = base64.b64encode(self._private.sign(_signed(last))).decode()
        detail = {"seq": last.seq, "hash": last.hash, "key": self.key, "signature": signature}
        if previous_file is not None:
            detail["previous_file"] = previous_file
        return Event("checkpoint", detail=detail).members(datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint record says, once its signature was found right."""

    key: str
    seq: int


def read_checkpoint(record: Mapping[str, Any]) -> Checkpoint | None:
    """The checkpoint of a record, None of another event. Raises ValueError with a sentence when it is wrong."""
    if record.get("event") != "checkpoint":
        return None
    detail = record.get("detail")
    try:
        assert isinstance(detail, dict)  # noqa: S101 - caught below, like every other wrong shape
        last = Link(int(detail["seq"]), str(detail["hash"]))
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(detail["key"], validate=True))
        public.verify(base64.b64decode(detail["signature"], validate=True), _signed(last))
    except (AssertionError, KeyError, TypeError, ValueError, binascii.Error):
        raise ValueError("is a checkpoint that can't be read") from None
    except InvalidSignature:
        raise ValueError("is a checkpoint whose signature is wrong") from None
    if (last.seq, last.hash) != (record["seq"] - 1, record["prev"]):
        raise ValueError("is a checkpoint of another place in the log")
    return Checkpoint(detail["key"], last.seq)


def _make(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(handle, "wb") as out:
        out.write(pem)
        out.flush()
        os.fsync(out.fileno())


def _signed(last: Link) -> bytes:
    return f"tailon-agg audit log, seq {last.seq}, hash {last.hash}".encode()
