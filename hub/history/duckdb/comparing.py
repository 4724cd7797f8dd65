"""What of a file the history holds already: asked a page at a time, before the page is added."""

import duckdb
import numpy as np

from hub.history.contract import Lacking, Rows
from hub.history.duckdb.export import PLACES


def lacking(cursor: duckdb.DuckDBPyConnection, rows: Rows, metrics: np.ndarray) -> Lacking:
    """Which of the rows to add; `metrics` holds their metrics' numbers.

    The n-th of equal values is lacking where there are fewer than n.
    """
    incoming = {
        "place": np.arange(len(rows.time)),
        "metric": metrics,
        "instant": rows.time,
        "number": rows.value,
        "words": rows.text,
        "nth": rows.nth,
    }
    cursor.register("incoming", incoming)
    found = cursor.execute(
        f"""WITH held AS (
                SELECT metric, epoch_us(time) AS instant, value, text, count(*) AS rows FROM {PLACES}
                WHERE metric BETWEEN ? AND ?
                      AND time BETWEEN make_timestamp(?::BIGINT) AND make_timestamp(?::BIGINT)
                GROUP BY ALL)
            SELECT place, incoming.instant < (SELECT coalesce(max(epoch_us(before)), 0) FROM cuts
                                         WHERE tier = 'sealed' AND cuts.metric = incoming.metric) AS forgotten
            FROM incoming LEFT JOIN held ON held.metric = incoming.metric AND held.instant = incoming.instant
                 AND held.value IS NOT DISTINCT FROM CASE WHEN isnan(number) THEN NULL ELSE number END
                 AND held.text IS NOT DISTINCT FROM words::VARCHAR
            WHERE nth > coalesce(held.rows, 0) ORDER BY place""",
        [int(metrics.min()), int(metrics.max()), int(rows.time.min()), int(rows.time.max())],
    ).fetchnumpy()
    forgotten = np.asarray(found["forgotten"], bool)
    return Lacking(found["place"][~forgotten], int(forgotten.sum()))
