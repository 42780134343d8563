"""`Inner`: a transformation among the settings of a `treewise` rule, as the rule calls it."""

from typing import Any

from lectopt.transformation import Context, State, Transformation


class Inner:
    """A transformation inside the rule of another, with its state."""

    def __init__(self, tx: Transformation, record: State, now: Context):
        self.tx, self.record, self.now = tx, record, now

    def __call__(self, updates: Any, params: Any = None, **told: Any) -> tuple[Any, State]:
        """One update.

        Args:
          updates: what comes in.
          params: the parameters, if not those that the rule was given.
          **told: `count` and `t` if they are not those of the rule, and extra arguments beside
            those that `update` was given.

        Returns:
          The outgoing updates, and the new state.
        """
        times = {k: told.pop(k) for k in ("count", "t") if k in told}
        own = {} if params is None else {"params": params}
        now = self.now._replace(**own, **times, extra={**self.now.extra, **told})
        return self.tx.step(updates, self.record, now)

    def point(self, params: Any, count: Any = None) -> Any:
        """Where it wants the gradient."""
        if not self.tx.looks_ahead:
            return params
        count = self.now.count if count is None else count
        return self.tx.point_at(params, self.record, count)

    @property
    def members(self) -> list["Inner"]:
        """The members of a chain, each with its part of the state; else itself."""
        parts = self.tx.parts if self.tx.name == "chain" else (self.tx,)
        return [Inner(part, self.record, self.now) for part in parts]
