"""Builds the page in web/ into hub/static, for the wheel, the sdist and a working copy.

It runs as hatchling's build hook and on its own (`python build_page.py`); both keep one stamp, a digest of
all the page is made from, so that nothing is built twice. Where npm is missing, what is there stays, and the
hub explains itself at `/` where nothing is. Where npm is there but fails, so does the build: a warning would
be hidden by pip, and the result would be a wheel without its page.
"""

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
SOURCES = (
    "src",
    "index.html",
    "package.json",
    "package-lock.json",
    ".npmrc",
    "tsconfig.json",
    "vite.config.ts",
)
STAMP = "stamp.txt"
MANIFEST = "manifest.json"
FIRST_VIEW_MAX_BYTES = 60 * 1024
# Nobody waits for the whole: each view is loaded when it is first opened. So each has a bound of its own, and
# that of the whole is there to be noticed where it grows.
VIEW_MAX_BYTES = 40 * 1024
WHOLE_MAX_BYTES = 150 * 1024
NPM_TIMEOUT_S = 600


class PageError(Exception):
    """The page could not be built, and this is why."""


def build_page(root: Path) -> None:
    """Make hub/static fit web/. Raises PageError where npm is there but fails."""
    web, static = root / "web", root / "hub" / "static"
    stamp = digest(web, source_files(web))
    if (static / STAMP).is_file() and (static / STAMP).read_text().strip() == stamp:
        return
    npm = shutil.which("npm")
    if npm is None:
        kept = "the one that is there is kept" if (static / "index.html").is_file() else "going on without it"
        say(f"npm is not installed, so the page cannot be built; {kept}")
        return
    install(npm, web)
    run([npm, "run", "--silent", "build"], web)
    check_size(web / "dist")
    publish(web / "dist", static, stamp)


def source_files(web: Path) -> Iterator[Path]:
    """All that the built page depends on, in order."""
    for name in SOURCES:
        source = web / name
        if source.is_dir():
            yield from sorted(path for path in source.rglob("*") if path.is_file())
        elif source.is_file():
            yield source


def digest(web: Path, files: Iterable[Path]) -> str:
    """One digest of names, as seen from web/, and contents."""
    total = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        total.update(f"{path.relative_to(web).as_posix()}\0{len(content)}\0".encode() + content)
    return total.hexdigest()


def install(npm: str, web: Path) -> None:
    """Install what the lock names, unless that is what is installed."""
    installed = web / "node_modules" / ".installed"
    lock = digest(web, (web / "package.json", web / "package-lock.json"))
    if installed.is_file() and installed.read_text() == lock:
        return
    run([npm, "ci", "--no-audit", "--no-fund"], web)
    installed.write_text(lock)


def publish(built: Path, static: Path, stamp: str) -> None:
    """Put the built page in place. The stamp goes last: a build cut off in the middle is done again."""
    shutil.rmtree(static, ignore_errors=True)
    shutil.copytree(built, static, ignore=shutil.ignore_patterns(MANIFEST))
    (static / STAMP).write_text(stamp + "\n")


def check_size(built: Path) -> None:
    """Say what a browser loads, as gzip would send it. Raises PageError where that is too much."""
    parts = {
        "the first view": (first_view(built), FIRST_VIEW_MAX_BYTES),
        "the largest view opened later": (max(later_views(built), key=packed, default=set()), VIEW_MAX_BYTES),
        "the whole page": ({path for path in built.rglob("*") if path.name != MANIFEST}, WHOLE_MAX_BYTES),
    }
    for part, (files, most) in parts.items():
        size = packed(files)
        say(f"{part} is {size / 1024:.1f} KiB compressed, of {most // 1024}")
        if size > most:
            raise PageError(f"{part} is {size} bytes compressed; at most {most} are allowed")


def packed(files: Iterable[Path]) -> int:
    """How many bytes they are as gzip would send them."""
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in files if path.is_file())


def first_view(built: Path) -> set[Path]:
    """What is loaded to show the list live: all but the scripts imported later, such as the charts."""
    manifest = read_manifest(built)
    every_script = {built / chunk["file"] for chunk in manifest.values() if chunk["file"].endswith(".js")}
    later = every_script - scripts_of(built, manifest, "isEntry")[0]
    return {path for path in built.rglob("*") if path not in later and path.name != MANIFEST}


def later_views(built: Path) -> list[set[Path]]:
    """What each view that is opened later loads, besides the first."""
    manifest = read_manifest(built)
    first = scripts_of(built, manifest, "isEntry")[0]
    return [scripts - first for scripts in scripts_of(built, manifest, "isDynamicEntry")]


def read_manifest(built: Path) -> dict[str, dict[str, Any]]:
    """Vite's table of scripts and what each imports."""
    manifest: dict[str, dict[str, Any]] = json.loads((built / MANIFEST).read_text())
    return manifest


def scripts_of(built: Path, manifest: dict[str, dict[str, Any]], kind: str) -> list[set[Path]]:
    """Of each script of this kind, itself and all that it cannot do without."""
    found = []
    for entry in (name for name, chunk in manifest.items() if chunk.get(kind)):
        names: set[str] = set()
        ahead = [entry]
        while ahead:
            name = ahead.pop()
            if name not in names:
                names.add(name)
                ahead += manifest[name].get("imports", ())
        found.append({built / manifest[name]["file"] for name in names})
    return found


def run(command: list[str], folder: Path) -> None:
    """Run npm; its output is shown only where it fails. Raises PageError then."""
    try:
        done = subprocess.run(  # noqa: S603  (npm, found above)
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=NPM_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PageError(f"{' '.join(command[1:])} took longer than {NPM_TIMEOUT_S} s") from error
    if done.returncode != 0:
        raise PageError(f"npm {' '.join(command[1:])} failed ({done.returncode}):\n{done.stdout}")


def say(sentence: str) -> None:
    """Tell whoever builds. Standard error: hatchling's standard output is for its frontend."""
    sys.stderr.write(f"build_page: {sentence}\n")


class PageBuildHook(BuildHookInterface[Any]):
    """Hatchling's hook: the page is built before the wheel, the sdist or an editable install is put
    together.
    """

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page; what it consists of is in `artifacts` of pyproject.toml."""
        del version, build_data
        build_page(Path(self.root))


if __name__ == "__main__":
    try:
        build_page(ROOT)
    except PageError as error:
        sys.exit(f"build_page: {error}")
