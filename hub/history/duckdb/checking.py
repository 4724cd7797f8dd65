"""The statements that read the rows of a file, and find what is wrong with each: see staging.py."""

from hub.formats.json import MS_MIN, TEXT_MAX
from hub.history.duckdb.numbers import is_kept
from hub.model.value import NUMBER_PATTERN

_TIME = """CASE WHEN regexp_full_match({0}, '[0-9]+(\\.[0-9]+)?')
           THEN CASE WHEN try_cast({0} AS DECIMAL(24, 6)) >= {1}
                     THEN try_cast(round(try_cast({0} AS DECIMAL(24, 6)) * 1000) AS BIGINT) END
           ELSE epoch_us(try_cast({0} AS TIMESTAMPTZ)) END"""
# in a message, which terminals show
SHOWN = "regexp_replace(left({0}, 40), '[\\x00-\\x1f\\x7f-\\x9f]', '?', 'g')"
READ_CSV = """read_csv(?, auto_detect = false, header = false,
                        delim = '{delim}', quote = '{quote}', escape = '{quote}',
                        columns = {columns}, new_line = '\\n', buffer_size = 8388608)"""
RAW = """CREATE TABLE raw (line BIGINT, device VARCHAR, metric VARCHAR, type VARCHAR, time VARCHAR,
                            value VARCHAR, received_at VARCHAR, written BOOLEAN)"""
# DuckDB makes a double of a number with a point or an exponent, and writes that. This is the line's text.
AS_WRITTEN = r"""CASE WHEN json_type(row, '$.value') = 'DOUBLE' THEN coalesce(
    list_filter(regexp_extract_all(l, '"value"\s*:\s*(-?[0-9][0-9.eE+-]*)', 1),
                lambda x: try_cast(x AS DOUBLE) = try_cast(row ->> '$.value' AS DOUBLE))[1],
    row ->> '$.value') ELSE row ->> '$.value' END"""
# As the rest of the hub reads numbers; DuckDB by itself would read 1_000 as a thousand, and inf as a number.
_NUMBER = f"CASE WHEN regexp_full_match(trim(value), '{NUMBER_PATTERN}') THEN try_cast(value AS DOUBLE) END"
FILLED = f"""CREATE TABLE filled AS
    SELECT *, CASE WHEN isfinite(number) THEN 'number' WHEN lower(value) IN ('true', 'false') THEN 'boolean'
                   WHEN NOT is_word THEN 'text' END AS looks
    FROM (SELECT line, coalesce(nullif(device, ''), $device) AS device,
                 coalesce(nullif(metric, ''), $metric) AS metric,
                 nullif(type, '') AS declared, written, value, time,
                 {_TIME.format("time", MS_MIN)} AS instant, {_TIME.format("received_at", MS_MIN)} AS received,
                 {_NUMBER} AS number, value IS NULL OR list_contains($no_value, lower(trim(value))) AS is_word
          FROM raw)"""
# A word for no value decides nothing, unless there is nothing else.
KINDS = """CREATE TABLE kinds AS
    SELECT found.device, found.metric, NULL::VARCHAR AS misnamed,
           coalesce(any_value(known.type),
                    mode(declared) FILTER (declared IN ('number', 'text', 'boolean')
                                           AND NOT (written AND is_word)),
                    CASE WHEN count(looks) = 0 THEN any_value(declared) FILTER (declared = 'text')
                         WHEN count(*) FILTER (looks = 'text')
                              > greatest(count(*) FILTER (looks = 'number'),
                                         count(*) FILTER (looks = 'boolean'))
                              THEN 'text'
                         WHEN count(*) FILTER (looks = 'boolean') > count(*) FILTER (looks = 'number')
                              THEN 'boolean'
                         ELSE 'number' END) AS kind,
           any_value(minimum)::DOUBLE AS minimum, any_value(maximum)::DOUBLE AS maximum
    FROM filled AS found LEFT JOIN known ON known.device = found.device AND known.metric = found.metric
    GROUP BY ALL"""
CHECKED = f"""CREATE TABLE checked AS
    SELECT line, device, metric, kind, instant,
           CASE WHEN received <= $latest THEN received ELSE 0 END AS received,
           is_word AND kind IS DISTINCT FROM 'text' AS is_empty,
           CASE kind WHEN 'number' THEN number
                     WHEN 'boolean' THEN CASE lower(value) WHEN 'true' THEN 1.0 WHEN 'false' THEN 0.0
                                                           WHEN '1' THEN 1.0 WHEN '0' THEN 0.0 END
           END AS number,
           CASE kind WHEN 'text' THEN coalesce(value, '') END AS text,
           CASE kind WHEN 'text' THEN md5_number(coalesce(value, '')) END AS digest,
           CASE WHEN declared = 'no JSON' THEN 'it is not JSON'
                WHEN device = '' THEN 'device: none is named'
                WHEN misnamed IS NOT NULL THEN misnamed
                WHEN is_word AND kind IS DISTINCT FROM 'text' THEN NULL
                WHEN declared NOT IN ('number', 'text', 'boolean')
                    THEN 'value: a number, a text or a truth value is wanted'
                WHEN declared <> kind AND NOT (written AND kind = 'number' AND number IS NOT NULL)
                    THEN 'value: a ' || kind || ' is wanted, got a ' || {SHOWN.format("declared")}
                WHEN instant IS NULL AND try_cast(time AS DOUBLE) BETWEEN 1e9 AND {MS_MIN}
                    THEN 'time: this looks like seconds; RFC 3339 or milliseconds since 1970 are wanted'
                WHEN instant IS NULL THEN 'time: RFC 3339 or milliseconds since 1970 are wanted'
                WHEN instant < 0 THEN 'time: it is before 1970'
                WHEN instant > $latest THEN 'time: it is ahead of the hub''s clock (limits.future_max_s)'
                WHEN kind = 'number' AND number IS NULL AND regexp_matches(value, '[\r\n]')
                    THEN 'value: a number is wanted, got a text of '
                         || 1 + len(regexp_extract_all(value, '\r\n|\r|\n')) || ' lines; is a quote missing?'
                WHEN kind = 'number' AND (number IS NULL OR NOT isfinite(number))
                    THEN 'value: a number is wanted, got ' || {SHOWN.format("value")}
                WHEN kind = 'number' AND NOT {is_kept("value", "number")}
                    THEN 'value: ' || {SHOWN.format("value")}
                         || ' is over 2^53 and would be changed; send it as a text'
                WHEN kind = 'boolean' AND lower(value) NOT IN ('true', 'false', '1', '0')
                    THEN 'value: true or false is wanted, got ' || {SHOWN.format("value")}
                WHEN kind = 'number' AND number NOT BETWEEN minimum AND maximum
                    THEN 'value: ' || number || ' is outside ' || minimum || ' to ' || maximum
                WHEN kind = 'text' AND length(value) > {TEXT_MAX}
                    THEN 'value: a text has at most {TEXT_MAX} characters'
           END AS fault
    FROM filled JOIN kinds USING (device, metric)"""
GOOD = "fault IS NULL AND NOT is_empty"
