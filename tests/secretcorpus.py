"""Secrets as they stand in logs: lines, what of them must never be seen, and private keys."""

from __future__ import annotations

import random
import string
from itertools import pairwise

from aggregator.model import Batch, File
from aggregator.stream.lines import Cutter

FILE = File("web-1", "app", "/var/log/app.log")
_ALPHABET = string.ascii_letters + string.digits + "+/"

# The line, and its secret. Put together here, so that nobody's scanner takes them for keys that are in use.
LINES = {
    "bearer": ("Authorization: Bearer {}", "abcdefgh.12345678-x"),
    "basic": ("authorization: Basic {}", "dXNlcjpwYXNzd29yZA=="),
    "aws": ("key {} used", "AKIA" + "IOSFODNN7EXAMPLE"),
    "aws-secret": ("aws_secret_access_key = {}", "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"),
    "github": ("push with {}", "ghp_" + "a1B2" * 9),
    "jwt": ("session={} end", "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
    "card": ("card {} declined", "4111 1111 1111 " + "1111"),
    "url": ("to postgres://shop:{}@db-1:5432/shop", "s3cret-canary"),
    "query": ("GET /login?user=a&password={} 200", "hunter2-canary"),
}


def pem(seed: int = 1, lines: int = 26, last: int = 44) -> list[str]:
    """A private key's lines: as many of 64 characters, and a shorter last one."""
    chance = random.Random(seed)
    body = ["".join(chance.choices(_ALPHABET, k=64)) for _ in range(lines)]
    body.append("".join(chance.choices(_ALPHABET, k=last - 1)) + "=")
    return ["-----BEGIN RSA " + "PRIVATE KEY-----", *body, "-----END RSA " + "PRIVATE KEY-----"]


def body_of(key: list[str]) -> list[str]:
    return key[1:-1]


def batches(texts: list[str], cuts: list[int], file: File = FILE) -> list[Batch]:
    """The lines as batches, as they come when a host's bytes are cut at these places."""
    data = "".join(f"{text}\n" for text in texts).encode()
    cutter = Cutter(file, None, 0)
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [batch for start, end in pairwise(places) for batch in cutter.feed(data[start:end])]
