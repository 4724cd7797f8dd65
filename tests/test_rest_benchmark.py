"""The benchmark of the hub at rest still runs, with a real hub, broker and subscriber, and gives its
figures.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.rest import FLOOR, HUB, PEER
from benchmarks.subjects import Hub

ROOT = Path(__file__).parents[1]
SHORT = ("--devices", "2", "--seconds", "1", "--warm-up", "0.1", "--idle", "0.1", "--settle", "0")
FIGURES = {
    *("idle_percent", "idle_written_kib_s", "rss_mib", "pss_mib"),
    *("percent_2", "cpu_us_2", "main_us_2", "written_kib_s_2", "p50_ms_2", "p99_ms_2"),
}


def test_a_short_run_measures_hub_peer_and_floor(tmp_path: Path) -> None:
    report = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks.rest", *SHORT, "--parts", "idle", "steady", "peer", "floor"]
    ran = subprocess.run(
        [*command, "--json", str(report)],
        env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(report.read_text())
    assert {name: set(of["medians"]) for name, of in found.items()} == dict.fromkeys(
        (HUB, PEER, FLOOR), FIGURES
    )
    for of in found.values():
        assert of["medians"]["percent_2"] > 0
        assert of["medians"]["written_kib_s_2"] > 0
    assert "2 × 1/s: % of a core" in ran.stdout


async def test_another_checkouts_hub_is_not_run_in_this_one(tmp_path: Path) -> None:
    """`python -m hub` takes the hub of the folder that it is started in, before the one installed."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\npwd\n")
    python.chmod(0o700)
    ran = await Hub(tmp_path, 1, python=str(python)).command("check")
    assert Path(ran.stdout.decode().strip()) == tmp_path.resolve()
