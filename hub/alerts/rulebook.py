"""The rules that operators made: kept, changed, and put before the devices."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from hub.alerts.evaluation import Evaluation
from hub.errors import Conflict, NotFound
from hub.model import Rule
from hub.registry.rules import StoredRules

RULES_MAX = 10_000


class Rulebook:
    """Rules by their id. `clock` is the hub's, µs UTC. What is changed is on disk before it holds."""

    def __init__(self, stored: StoredRules, evaluation: Evaluation, clock: Callable[[], int]) -> None:
        self._stored = stored
        self._evaluation = evaluation
        self._clock = clock
        self._rules: dict[int, Rule] = {}
        self._turn = asyncio.Lock()

    async def restore(self) -> None:
        """Read the rules, and let them look at the devices. Raises StoreError."""
        self._rules = {rule.id: rule for rule in await self._stored.all()}
        self._evaluation.begin(self._rules.values())

    def all(self) -> list[Rule]:
        """Oldest first."""
        return list(self._rules.values())

    def find(self, rule_id: int) -> Rule:
        """A rule. Raises NotFound."""
        try:
            return self._rules[rule_id]
        except KeyError:
            raise NotFound(f"there is no rule {rule_id}") from None

    async def add(self, rule: Rule, by: str) -> Rule:
        """A new rule. Raises Conflict for one too many, StoreError."""
        async with self._turn:
            if len(self._rules) >= RULES_MAX:
                raise Conflict(f"there are {RULES_MAX} rules; there can be no more")
            now = self._clock()
            added = await self._stored.add(replace(rule, created_at=now, updated_at=now, by=by))
            self._rules[added.id] = added
            self._evaluation.put(added)
            return added

    async def change(self, rule: Rule, by: str) -> Rule:
        """The rule with that id is like this from now on. Raises NotFound, StoreError."""
        async with self._turn:
            before = self.find(rule.id)
            changed = replace(rule, created_at=before.created_at, updated_at=self._clock(), by=by)
            await self._stored.update(changed)
            self._rules[rule.id] = changed
            self._evaluation.put(changed)
            return changed

    async def remove(self, rule_id: int) -> None:
        """A rule is no more, and its alerts are over. Raises NotFound, StoreError."""
        async with self._turn:
            rule = self.find(rule_id)
            await self._stored.remove(rule_id)
            del self._rules[rule_id]
            self._evaluation.remove(rule)
