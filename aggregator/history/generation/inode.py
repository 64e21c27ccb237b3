"""What a file's inode says, as the scripts on hosts give it: device, number, and its birth where stat knows that."""

from __future__ import annotations

import re
from decimal import Decimal


def is_unique(inode: str) -> bool:
    """Whether an inode tells the file's birth, so that its number can't come again as another's: GNU's stat does."""
    birth = inode.rpartition(":")[2]
    return re.fullmatch(r"[1-9][0-9]*\.[0-9]+", birth, re.ASCII) is not None


def is_older(inode: str, other: str) -> bool:
    """Whether a file was made before another one, where both tell it."""
    if not (is_unique(inode) and is_unique(other)):
        return False
    return Decimal(inode.rpartition(":")[2]) < Decimal(other.rpartition(":")[2])
