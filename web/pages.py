"""The page and the files it is made of.

`GET /` renders one template; all its scripts and styles are files under `static/FINGERPRINT/`, a folder named after
their content, so browsers keep them for ever and never mix two versions: the modules import one another by relative
names. Nothing is inline, as the content policy of `web.headers` demands.
"""

from __future__ import annotations

import hashlib
from os import PathLike, stat_result
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from aggregator.errors import TailonError

WEB = Path(__file__).resolve().parent
STATIC = WEB / "static"

FOR_EVER = "public, max-age=31536000, immutable"


def fingerprint(folder: Path = STATIC) -> str:
    """Of all files in a folder, by name and content: 16 hex digits."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


class KeptFiles(StaticFiles):
    """Files whose address changes with their content, so browsers need not ask again."""

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["cache-control"] = FOR_EVER
        return response


class Pages:
    """The page of one program.

    `relative_root` is the folder it is seen under from outside, `/` or `/logs/`: links are made with it. Raises
    TailonError if the browser assets were never built.
    """

    def __init__(self, *, relative_root: str = "/", version: str = "") -> None:
        if not (STATIC / "vendor" / "lit.js").exists():
            raise TailonError("the browser assets are missing: run `make setup`, or `python web/assets.py`")
        self.root = f"/{relative_root.strip('/')}/".replace("//", "/")
        self.build = fingerprint()
        templates = Environment(
            loader=FileSystemLoader(WEB / "templates"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
        )
        static = f"{self.root}static/{self.build}"
        templates.globals.update(root=self.root, static=static)
        self.login = templates.get_template("login.html")
        modules = sorted(path.name for path in STATIC.glob("*.js") if path.name != "theme.js")
        self.html = templates.get_template("view.html").render(version=version, modules=modules)

    async def view(self, request: Request) -> Response:
        """`GET /`: the same for everyone, so it holds nothing that is secret."""
        return HTMLResponse(self.html, headers={"cache-control": "no-cache"})

    @property
    def routes(self) -> list[BaseRoute]:
        """`/` and `/static/…`, to be put under the relative root by whoever mounts them."""
        return [
            Route("/", self.view, name="view"),
            Mount(f"/static/{self.build}", KeptFiles(directory=STATIC), name="static"),
        ]
