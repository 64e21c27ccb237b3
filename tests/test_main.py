"""The first word of a command line."""

from __future__ import annotations

import pytest

from aggregator.cli.main import main


def test_an_unknown_command_is_named_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["docter"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("tailon-agg: COMMAND: there is no 'docter'; commands are serve, check, tail,")
    assert said.endswith("logs are host:/path\n")
