"""The first word of a command line."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from aggregator.cli.main import main


def test_an_unknown_command_is_named_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["docter"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("tailon-agg: COMMAND: there is no 'docter'; commands are serve, check,")
    assert said.endswith("logs are host:/path\n")


def test_a_port_in_use_is_named_with_the_way_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as ended:
            main(["web-1:/var/log/syslog", "--bind", f"127.0.0.1:{port}", "--state-dir", str(tmp_path)])
    assert ended.value.code == 78
    words = f"can't listen on 127.0.0.1:{port}: Address already in use; stop what listens there, or choose another"
    assert words in capsys.readouterr().err
