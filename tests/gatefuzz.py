"""The gate attacked: made-up requests, and files that are exchanged while it looks at them. Prints what came of it.

python tests/gatefuzz.py --hours 1 [--seed 7]        # long; tests/test_gate_hard.py runs the same for seconds

A round is 5,000 requests of one seed and 100 races, by one kind of shell. Exits 1 when a byte from outside came out,
what lies there was read, or an answer took longer than it may.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from gatecage import KINDS, Cage, Said
from gaterequests import fuzzed

from aggregator.remote import commands

HANG_S = 2.0  # an opening that waits is killed then
SLACK_S = 20.0  # a loaded machine's share
RACED = ("read", "packed", "timeline", "list", "follow", "search", "blocks")


def raced_requests(path: Path, count: int, rng: random.Random) -> list[bytes]:
    """What is asked for a name that is exchanged meanwhile, also through a folder that is."""
    name = str(path)
    made = {
        "read": commands.read(name, 0, 100_000),
        "packed": commands.read(name, 0, 100_000, "gz"),
        "timeline": commands.timeline(name, 9, 0, []),
        "list": commands.listing(f"{path.parent}/*", 9),
        "follow": commands.follow(name, 0, 0, tail="other"),
        "search": commands.search(name, 0, None, "plain", rng.choice(("grep", "blocks", "stream")), "a"),
        "blocks": commands.blocks(name, [(0, 9)]),
    }
    verbs = [verb for verb in RACED if verb != "follow"]
    asked = [rng.choice(verbs) if rng.random() < 0.98 else "follow" for _ in range(count)]
    return [made[verb].request.encode() for verb in asked]


def judge(cage: Cage, said: list[Said], *, raced: bool = False) -> list[str]:
    """What must not be: sentences, none when all is well."""
    bad = [f"{one.request!r} told the canary's text" for one in said if cage.leaked(one.output)]
    bad += [f"{one.request!r} told an inode" for one in said if not raced and cage.named(one.output)]
    bad += [f"{one.request!r} took {one.seconds:.1f} s" for one in said if one.seconds > HANG_S + SLACK_S]
    events = cage.seen_outside()
    if events.read:
        bad.append(f"what lies outside was read {events.read} times")
    if events.opened and not raced:
        bad.append(f"what lies outside was opened {events.opened} times")
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    end, seed, total, failures = time.monotonic() + options.hours * 3600, options.seed, 0, 0
    while time.monotonic() < end:
        kind = KINDS[seed % len(KINDS)]
        rng = random.Random(seed)
        with tempfile.TemporaryDirectory() as folder, Cage(Path(folder)) as cage:
            said = cage.straight(kind, [fuzzed(rng, cage.paths) for _ in range(5000)])
            bad = judge(cage, said)
            with cage.swapping(seed) as path:
                said += cage.straight(kind, raced_requests(path, 100, rng))
                bad += judge(cage, said[-100:], raced=True)
        total, failures = total + len(said), failures + len(bad)
        refused = sum(one.refused for one in said)
        print(f"seed={seed} shell={kind} requests={len(said)} refused={refused} {bad or 'good'}", flush=True)
        seed += 1
    print(f"requests={total} bad={failures}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
