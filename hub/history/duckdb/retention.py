"""What is kept no longer goes, in steps."""

from collections.abc import Mapping

import duckdb
import numpy as np

from hub.history.contract import KeptFor
from hub.history.duckdb.transaction import transaction

SLICE_US = 24 * 3_600_000_000  # of each metric at most so much goes in one transaction

TIERS = ("sealed", "minutes", "hours")


def forget(cursor: duckdb.DuckDBPyConnection, kept: Mapping[int, KeptFor], now: int) -> bool:
    """Take away the oldest slice of what is over in any tier; whether there was any, and so may be more."""
    metrics = cursor.execute("SELECT number, device FROM metrics").fetchall()
    for position, tier in enumerate(TIERS):
        limits = [
            (number, now - kept[device][position])
            for number, device in metrics
            if device in kept and kept[device][position]
        ]
        if limits and _forget_slice(cursor, tier, limits):
            return True
    return False


def _forget_slice(cursor: duckdb.DuckDBPyConnection, tier: str, limits: list[tuple[int, int]]) -> bool:
    columns = np.array(limits, np.int64)
    last = int(columns[:, 1].max())
    cursor.register("limits", {"metric": columns[:, 0], "before": columns[:, 1].view("datetime64[us]")})
    over = f"""FROM {tier} JOIN limits USING (metric)
               WHERE time < before AND time < make_timestamp(?::BIGINT)"""
    [(oldest,)] = cursor.execute(f"SELECT epoch_us(min(time)) {over}", [last]).fetchall()
    if oldest is None:
        return False
    end = min(last, oldest + SLICE_US)
    with transaction(cursor):
        # Once a value is gone from here, ranges that begin before ask a coarser tier.
        cursor.execute(
            f"""CREATE OR REPLACE TEMP TABLE touched AS
                SELECT metric, least(any_value(before), make_timestamp(?::BIGINT)) AS before {over}
                GROUP BY metric""",
            [end, end],
        )
        cursor.execute("DELETE FROM cuts WHERE tier = ? AND metric IN (SELECT metric FROM touched)", [tier])
        cursor.execute("INSERT INTO cuts SELECT ?, metric, before FROM touched", [tier])
        cursor.execute(
            f"""DELETE FROM {tier} USING touched
                WHERE {tier}.metric = touched.metric AND time < touched.before
                      AND time < make_timestamp(?::BIGINT)""",
            [end],
        )
        cursor.execute("DROP TABLE touched")
    return True
