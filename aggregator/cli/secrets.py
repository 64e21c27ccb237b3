"""`tailon-agg passwd` and `tailon-agg token`: what the inventory's `access:` needs of passwords and tokens."""

from __future__ import annotations

import getpass
import sys

from aggregator import limits
from aggregator.access.passwords import hash_password
from aggregator.access.tokens import hash_token, new_token
from aggregator.errors import Fault, UsageError


def passwd() -> int:
    """Print the hash of a password from a prompt (twice) or from standard input. Raises UsageError."""
    print(hash_password(_asked() if sys.stdin.isatty() else _read()))
    return 0


def token() -> int:
    """Print a new token and its hash, one a line: the first for the program, the second for the inventory."""
    text = new_token()
    print(text)
    print(hash_token(text))
    return 0


def _asked() -> str:
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise UsageError(Fault("password", "these two are not the same"))
    return password


def _read() -> str:
    """The first line; a password file ends with a newline that is none of it."""
    line = sys.stdin.buffer.readline(limits.PASSWORD_BYTES + 2)
    try:
        return line.rstrip(b"\r\n").decode()
    except UnicodeDecodeError:
        raise UsageError(Fault("password", "is not UTF-8")) from None
