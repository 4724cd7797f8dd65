"""The build hook: when it builds the page, when it leaves it, and when it fails."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MANIFEST = {
    "index.html": {"file": "assets/main.js", "isEntry": True, "imports": ["_shared.js"]},
    "_shared.js": {"file": "assets/shared.js"},
    "src/Room.tsx": {"file": "assets/Room.js", "isDynamicEntry": True, "imports": ["_shared.js"]},
}
# An npm that notes what it is asked and "builds" a page that says which source it saw.
NPM = """#!/bin/sh
echo "$*" >> "$NPM_LOG"
case "$1" in
ci) mkdir -p node_modules ;;
run) mkdir -p dist/assets && cp src/*.js dist/assets && cp src/main.tsx dist/assets/main.js &&
     cp src/manifest.json index.html dist ;;
esac
"""
FAILING_NPM = "#!/bin/sh\necho 'no space left on device'\nexit 28\n"


class Copy:
    """A small copy of the project, with an npm of its own or none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.log = folder / "npm.log"
        self.static = self.folder / "hub" / "static"
        self.source = self.folder / "web" / "src" / "main.tsx"
        self._bin = folder / "bin"
        self._bin.mkdir()
        for tool in ("mkdir", "cp"):
            (self._bin / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
        self.source.parent.mkdir(parents=True)
        self.source.write_text("one")
        self.shared = self.source.with_name("shared.js")
        self.room = self.source.with_name("Room.js")
        for script in (self.shared, self.room):
            script.write_text("")
        self.source.with_name("manifest.json").write_text(json.dumps(MANIFEST))
        for name in ("index.html", "package.json", "package-lock.json"):
            (self.folder / "web" / name).write_text("{}")
        shutil.copy(ROOT / "build_page.py", self.folder)

    def install_npm(self, script: str) -> None:
        (self._bin / "npm").write_text(script)
        (self._bin / "npm").chmod(0o755)

    def build(self) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PATH": str(self._bin), "NPM_LOG": str(self.log)}
        command = [sys.executable, "build_page.py"]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    def asked(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def test_the_page_is_installed_built_and_put_in_place(copy: Copy) -> None:
    copy.install_npm(NPM)

    done = copy.build()

    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in copy.asked()] == ["ci", "run"]
    assert (copy.static / "assets" / "main.js").read_text() == "one"
    assert "KiB compressed" in done.stderr


def test_nothing_is_built_twice(copy: Copy) -> None:
    copy.install_npm(NPM)
    copy.build()
    before = copy.asked()

    assert copy.build().returncode == 0
    assert copy.asked() == before


def test_a_changed_source_is_built_again_without_installing_again(copy: Copy) -> None:
    copy.install_npm(NPM)
    copy.build()
    (copy.static / "assets" / "old.js").write_text("left over")
    copy.source.write_text("two")

    copy.build()

    assert [line.split()[0] for line in copy.asked()] == ["ci", "run", "run"]
    assert (copy.static / "assets" / "main.js").read_text() == "two"
    assert not (copy.static / "assets" / "old.js").exists()


def test_npm_failing_fails_the_build_and_says_what_npm_said(copy: Copy) -> None:
    copy.install_npm(FAILING_NPM)

    done = copy.build()

    assert done.returncode != 0
    assert "no space left on device" in done.stderr
    assert not copy.static.exists()


def test_without_npm_it_goes_on_without_the_page_and_says_why(copy: Copy) -> None:
    done = copy.build()

    assert done.returncode == 0
    assert "npm is not installed" in done.stderr
    assert not copy.static.exists()


def test_without_npm_a_page_that_came_along_is_kept(copy: Copy) -> None:
    copy.static.mkdir(parents=True)
    (copy.static / "index.html").write_text("came along")

    done = copy.build()

    assert done.returncode == 0
    assert "kept" in done.stderr
    assert (copy.static / "index.html").read_text() == "came along"


def test_what_the_first_view_loads_is_counted_and_what_opens_by_a_click_is_not(copy: Copy) -> None:
    copy.install_npm(NPM)
    copy.source.write_bytes(os.urandom(20 * 1024))
    copy.shared.write_bytes(os.urandom(20 * 1024))
    copy.room.write_bytes(os.urandom(30 * 1024))

    done = copy.build()

    assert done.returncode == 0, done.stderr
    assert "the first view is 40.1 KiB compressed, of 60" in done.stderr
    assert "the largest view opened later is 30.0 KiB compressed, of 40" in done.stderr
    assert "the whole page is 70.1 KiB compressed, of 150" in done.stderr
    assert (copy.static / "assets" / "Room.js").exists()
    assert not (copy.static / "manifest.json").exists()


def test_a_first_view_that_is_too_large_is_refused(copy: Copy) -> None:
    copy.install_npm(NPM)
    copy.source.write_bytes(os.urandom(31 * 1024))
    copy.shared.write_bytes(os.urandom(30 * 1024))

    done = copy.build()

    assert done.returncode != 0
    assert "the first view is 6" in done.stderr
    assert "at most 61440 are allowed" in done.stderr
    assert not copy.static.exists()


def test_a_page_that_is_too_large_in_all_is_refused(copy: Copy) -> None:
    copy.install_npm(NPM)
    rooms = [f"Room{number}" for number in range(4)]
    for room in rooms:
        copy.source.with_name(f"{room}.js").write_bytes(os.urandom(39 * 1024))
    later = {f"src/{room}.tsx": {"file": f"assets/{room}.js", "isDynamicEntry": True} for room in rooms}
    copy.source.with_name("manifest.json").write_text(json.dumps({**MANIFEST, **later}))

    done = copy.build()

    assert done.returncode != 0
    assert "the largest view opened later is 39" in done.stderr
    assert "the whole page is 156" in done.stderr
    assert not copy.static.exists()


def test_a_later_view_that_is_too_large_is_refused(copy: Copy) -> None:
    copy.install_npm(NPM)
    copy.room.write_bytes(os.urandom(41 * 1024))

    done = copy.build()

    assert done.returncode != 0
    assert "the largest view opened later is 41" in done.stderr
    assert not copy.static.exists()
