from hub.errors import Invalid

NAME_MAX = 100


def check_name(name: str) -> None:
    """Of an operator or a token. Raises Invalid."""
    if not 1 <= len(name) <= NAME_MAX or not name.isprintable():
        raise Invalid(f"a name has 1 to {NAME_MAX} printable characters", "name")
