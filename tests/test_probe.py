"""What a host answers when it is first reached."""

from __future__ import annotations

import pytest

from aggregator.errors import HostError
from aggregator.model import Host, SshOptions
from aggregator.remote.probe import read_probe

HOST = Host("web-1", "127.0.0.1", SshOptions(), {})


@pytest.mark.parametrize("answer", [b"", b"\n", b"tailon-probe 1 1795477952  busybox root\n"])
def test_probe_that_was_killed_is_tried_again(answer: bytes) -> None:
    with pytest.raises(HostError) as caught:
        read_probe(HOST, answer, 0.0, 1.0)
    assert caught.value.retry


def test_words_instead_of_an_answer_need_a_person() -> None:
    with pytest.raises(HostError) as caught:
        read_probe(HOST, b"This account is not available.\n", 0.0, 1.0)
    assert not caught.value.retry
