"""Lines that follow one another in their file: what is written down of what was served."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aggregator.model import File
from aggregator.stream.records import Line

_GENERATION = slice(-38, -22)  # of a line's position: GENERATION~OFFSET~CHECKSUM at its end (stream.positions)


@dataclass(slots=True)
class Run:
    """The bytes [start, end) of a generation, all of whose lines were served; `texts` without their newlines."""

    file: File
    generation: str
    start: int
    end: int
    texts: list[str]

    @property
    def data(self) -> bytes:
        """The texts, a newline after each: what the audit log's digests are taken over."""
        return "".join([f"{text}\n" for text in self.texts]).encode("utf-8", "replace")


def runs_of(lines: Iterable[Line]) -> list[Run]:
    """The runs of some lines, those of each file in its order."""
    runs: list[Run] = []
    last: dict[File, Run] = {}
    for line in lines:
        run = last.get(line.file)
        generation = line.record.position[_GENERATION]
        if run is not None and run.end == line.offset and run.generation == generation:
            run.end += line.size
            run.texts.append(line.record.text)
        else:
            run = last[line.file] = Run(line.file, generation, line.offset, line.offset + line.size, [line.record.text])
            runs.append(run)
    return runs
