"""Requests for the gate, made up from a seed: noise, its own words, and true requests with something changed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from aggregator.remote import commands

_VERBS = b"probe list timeline read search blocks".split()
_ALPHABET = b"abcdefghijklmnopqrstuvwxyz0123456789 \\"
_WORDS = [
    *(b"v1 v2 probe idle list timeline follow read search blocks doctor journal locate id sh scp".split()),
    *(b"plain gz xz zst bz2 gnu busybox other grep blocks stream none e i n s p \\ 0 00 1 9 4096 x".split()),
    *(b"\\0057 \\0056\\0056 \\0000 \\0012 \\0377 \\0400 \\0999 \\057 \\x2f \\c \\\\0057 \\0057\\ \\0044\\0050".split()),
    *(b"99999999999999999 999999999999999999 9223372036854775807 18446744073709551616 n0 e1 kgz ee tgnu".split()),
]
_TEXTS = ("a", "$(id)", "`id`", "-e", "--version", "x" * 900, "\x7f\x80", "' \" ;|&", "%s%n", "[[:alpha:]]", "-")


def _noise(rng: random.Random, _: Sequence[str]) -> bytes:
    """Any bytes but NUL, which no environment variable holds."""
    said = bytes(rng.randrange(1, 256) for _ in range(rng.randrange(60)))
    return rng.choice((b"", b"v1 read ", b"v1 list \\0057 ")) + said


def _letters(rng: random.Random, _: Sequence[str]) -> bytes:
    return b"v1 " * rng.randrange(2) + bytes(rng.choices(_ALPHABET, k=rng.randrange(80)))


def _spoken(rng: random.Random, _: Sequence[str]) -> bytes:
    begin = [b"v1"] * (rng.random() < 0.98) + [rng.choice(_VERBS)] * (rng.random() < 0.8)
    return b" ".join(begin + rng.choices(_WORDS, k=rng.randrange(14)))


def _number(rng: random.Random) -> int:
    return rng.choice((0, 1, 7, 4096, 2**31, 2**53, 10**17 - 1, rng.randrange(10**6)))


def _true(rng: random.Random, paths: Sequence[str]) -> bytes:
    """A request as the engine makes them, for a path that is allowed or not."""
    path, one, other = rng.choice(paths), _number(rng), _number(rng)
    kind = rng.choice(("plain", "gz", "xz", "zst", "bz2"))
    how = rng.choice(("grep", "blocks", "stream"))
    made: list[Callable[[], commands.Command]] = [
        commands.probe,
        commands.idle,
        lambda: commands.listing(rng.choice((path, f"{path}/*", f"{path}/**", f"{path}*")), one),
        lambda: commands.timeline(path, one, other, rng.choices(_TEXTS, k=rng.randrange(3))),
        lambda: commands.read(path, one, other, kind),
        lambda: commands.blocks(path, [(one, other)] * rng.randrange(3)),
        lambda: commands.search(path, one, other, kind, how, rng.choice(_TEXTS), fold=rng.random() < 0.5),
        lambda: commands.search(path, one, None, kind, how, rng.choice(_TEXTS), context=other),
    ]
    if rng.random() < 0.01:
        return commands.follow(path, one, other, tail=rng.choice(("gnu", "busybox", "other"))).request.encode()
    return rng.choice(made)().request.encode()


def _changed(rng: random.Random, paths: Sequence[str]) -> bytes:
    """A true request whose words or characters are exchanged, doubled or left out."""
    words = _true(rng, paths).split(b" ")
    for _ in range(rng.randrange(1, 3)):
        at = rng.randrange(len(words))
        word = words[at]
        cut = rng.randrange(len(word) + 1)
        words[at] = rng.choice(
            (
                rng.choice(_WORDS),
                word + b" " + word,
                word[:cut],
                word[cut:],
                word[:cut] + bytes([rng.choice(_ALPHABET)]) + word[cut:],
                word[:cut] + rng.choice(_WORDS) + word[cut:],
                b"",
                word * rng.choice((2, 50)),
            )
        )
    return b" ".join(words)


def fuzzed(rng: random.Random, paths: Sequence[str]) -> bytes:
    """One request; some of all kinds, most of them nearly right."""
    how = rng.choices((_noise, _letters, _spoken, _changed, _true), (1, 12, 60, 26.5, 0.5))[0]
    return how(rng, paths)[:100_000].replace(b"\0", b"?")
