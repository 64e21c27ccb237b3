"""Other users of this machine that mean harm: what they may have laid out before the product starts."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from product import Product

INVENTORY = "version: 1\nhosts: {a: {address: 127.0.0.1, ssh: {port: 1}}}\nsources: {s: {hosts: a, path: /x}}\n"


@pytest.fixture
def product(tmp_path: Path) -> Product:
    (tmp_path / "hosts.yaml").write_text(INVENTORY)
    (tmp_path / "state").mkdir()
    return Product(tmp_path / "hosts.yaml", tmp_path)


def refusal(product: Product) -> str:
    status, said = product.refused()
    assert status == 78
    assert "Traceback" not in said
    return said


def test_a_state_folder_of_another_user_is_refused(product: Product) -> None:
    if os.geteuid() == 0:
        os.chown(product.state, 65534, 65534)
    else:
        product.state.rmdir()
        product.state.symlink_to("/usr")  # root's
    assert "belongs to another user" in refusal(product)


def test_a_lock_that_is_a_fifo_or_a_link_is_refused(product: Product, tmp_path: Path) -> None:
    lock, victim = product.state / "lock", tmp_path / "victim"
    os.mkfifo(lock)
    assert "not a regular file" in refusal(product)
    lock.unlink()
    victim.write_text("precious")
    lock.symlink_to(victim)
    assert "can't be used" in refusal(product)
    assert victim.read_text() == "precious"


def test_an_audit_log_that_is_a_fifo_or_a_link_or_another_file_is_refused(product: Product, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    os.mkfifo(product.audit)
    assert "regular file" in refusal(product)
    product.audit.unlink()
    product.audit.symlink_to(victim)
    assert "symbolic link" in refusal(product)
    product.audit.unlink()
    product.audit.hardlink_to(victim)
    assert "audit log" in refusal(product)
    assert victim.read_text() == "precious"


def test_what_it_writes_is_private_whatever_the_umask(product: Product) -> None:
    before = os.umask(0)
    try:
        with product:
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (product.state, product.audit)}
            modes["lock"] = stat.S_IMODE((product.state / "lock").stat().st_mode)
    finally:
        os.umask(before)
    assert modes == {"state": 0o700, "audit.jsonl": 0o600, "lock": 0o600}
