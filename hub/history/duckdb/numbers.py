"""In SQL, how texts are read as numbers: the rule that hub/model/value.py has in Python."""

from hub.model import EXACT_MAX
from hub.model.value import DIGITS_KEPT, DIGITS_MAX, WHOLE_PATTERN

_DIGITS = "trim(regexp_replace(regexp_replace({0}, '[eE].*$', ''), '[^0-9]', '', 'g'), '0')"


def is_kept(text: str, number: str) -> str:
    """Whether the double `number`, which was read from `text`, stands for it. Both are SQL."""
    digits = _DIGITS.format(text)
    again = _DIGITS.format(f"format('{{:.' || length({digits}) - 1 || 'e}}', {number})")
    return f"""CASE WHEN abs({number}) < {EXACT_MAX} THEN true
                    WHEN regexp_full_match(trim({text}), '{WHOLE_PATTERN}')
                        THEN coalesce(try_cast({text} AS HUGEINT) = try_cast({number} AS HUGEINT), false)
                    WHEN length({digits}) BETWEEN {DIGITS_KEPT + 1} AND {DIGITS_MAX} THEN {again} = {digits}
                    ELSE length({digits}) <= {DIGITS_KEPT} END"""
