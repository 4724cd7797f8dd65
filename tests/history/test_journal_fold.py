"""A hub that is killed at any statement of a fold, and again at the start after it, has everything once."""

import json
import subprocess
import sys
from pathlib import Path

from tests.history.rows import T0

ROOT = Path(__file__).parents[2]


def test_killed_at_any_statement_of_a_fold_everything_is_there_once(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.history.killed_in_fold", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    tries = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(tries) > 15  # statements of a fold of everything
    for statements, found in enumerate(tries):
        assert found == {
            "metrics": [[1, "t", "number"], [5, "state", "number"]],
            "values": [
                [1, T0, 1.0, None],
                [1, T0 + 1, 2.0, None],
                [1, T0 + 2, 3.0, None],
                [5, T0, 20.5, None],
                [5, T0 + 1, 21.5, None],
                [5, T0 + 2, 30.0, None],
            ],
            "sequences": [[1, 9, 2, 4, T0]],
            "rejections": [[1, "no number", "00FF"]],
            "conversions": [],
            "removed": [],
            "commits": [[2]],
        }, statements
