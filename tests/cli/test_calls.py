"""How commands reach a hub."""

import ast
from pathlib import Path

import hub.cli

FOLDER = Path(hub.cli.__file__).parent


def test_no_function_opens_a_hub_twice() -> None:
    """Where none runs, the whole application starts for each `call`: what belongs together is one."""
    calls: dict[str, int] = {}
    for path in sorted(FOLDER.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                named = [_called(one) for one in ast.walk(node)]
                calls[f"{path.name} {node.name}"] = named.count("call")
    assert sum(calls.values()) > 20
    assert {name: count for name, count in calls.items() if count > 1} == {}


def _called(node: ast.AST) -> str:
    is_by_name = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    return ast.unparse(node).partition("(")[0] if is_by_name else ""
