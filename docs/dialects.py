"""Writes dialects.md: every optimizer and scheduler of PyTorch, Keras and Optax, as they are here.

    KERAS_BACKEND=jax python docs/dialects.py

It wants PyTorch and Keras. Every number is computed: the lines are counted, and the digits are
those in which 60 float64 updates with a changing rate agree with the library itself, or with what
`tests/support/oracles` recorded of it, over all rows of the tests with their settings.
"""

import ast
import inspect
import os
import sys
import textwrap
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")
import jax

jax.config.update("jax_enable_x64", True)
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import optax  # noqa: E402
from optax._src import alias  # noqa: E402

from lectopt import same_update  # noqa: E402
from lectopt.dialects import keras, torch  # noqa: E402
from lectopt.dialects import optax as ox  # noqa: E402
from lectopt.dialects.keras.live_states import SLOTS  # noqa: E402
from lectopt.dialects.torch.live_schedules import SCHEDULERS  # noqa: E402
from lectopt.dialects.torch.live_states import OPTIMIZERS  # noqa: E402
from tests.dialects import own_spellings  # noqa: E402
from tests.dialects import test_matrices as matrices  # noqa: E402
from tests.dialects import test_oracles as oracles  # noqa: E402
from tests.support.oracles import rows  # noqa: E402

PAGE = Path(__file__).with_name("dialects.md")
Differences = dict[str, list[float]]
TEXT = """# Dialects

<!-- written by docs/dialects.py -->

Every optimizer and every scheduler of `torch.optim` 2.13 and of Keras 3, and every alias of Optax
0.2.8. `lectopt.dialects` has them under their names, with their arguments, defaults and numbers.
(`ReduceLROnPlateau`, `AveragedModel` and `LossScaleOptimizer`, which need more than gradients,
are compared in the tests and not in these tables.)

*Lines* are those of the wiring, without signature and docstring. *Digits* are those in which 60
updates in float64 agree with the library, with a rate that changes at every one, a weight that
never has a gradient and one that has its first late, over all the settings that the tests have
for it (weight decay, clipping, averages among them). Where there are fewer than twelve, the
library computes a part in float32 whatever its precision is set to, or, as PyTorch's Muon, in
bfloat16. *Live* says whether `from_optimizer` takes over a run that has begun there, group by
group.

Complex weights: PyTorch takes them for twice as many real ones. `SGD`, `ASGD` and `LBFGS` are the
same for both; the others refuse them here, and say what makes PyTorch's numbers.
"""


def lines(function: Any) -> int:
    """Of the body, without its docstring."""
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
    body = ast.parse(source).body[0].body  # pyright: ignore[reportAttributeAccessIssue]
    first = body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    body = body[1:] if documented else body
    return body[-1].end_lineno - body[0].lineno + 1


def apart(ours: Any, theirs: Any) -> float:
    """How far, as a share of the numbers or of 1."""
    ours, theirs = (np.asarray(x, float) for x in (ours, theirs))
    return float(np.max(np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1)))


def digits(differences: list[float]) -> str:
    """In which all agree."""
    return f"{min(15, int(-np.log10(max(*differences, 1e-16)))):d}"


def optimizers(framework: str) -> Differences:
    """The differences of every optimizer of PyTorch or Keras."""
    found: Differences = defaultdict(list)
    for i, (name, settings) in enumerate(oracles.ROWS[framework]):
        sources = dict(torch=["torch"], keras=["keras-jax", "keras-torch"])[framework]
        for source in sources:
            if source == "keras-torch" and "clipnorm" in rows.label((name, settings)):
                continue  # of which Keras computes the norm in float32
            theirs = oracles.recording(source)[rows.label((name, settings))]
            found[name].append(apart(oracles.our_path(framework, i), theirs))
    if framework == "torch":
        for name, settings, names, _ in matrices.TORCH:
            theirs = matrices.torch_path(name, settings, names)
            found[name].append(apart(matrices.our_torch_path(name, settings, names), theirs))
    else:
        for name, settings, _ in matrices.KERAS:
            theirs = matrices.keras_path(name, settings)
            found[name].append(apart(matrices.our_keras_path(name, settings), theirs))
    return found


def schedules(framework: str) -> Differences:
    """The differences of every scheduler."""
    found: Differences = defaultdict(list)
    source = dict(torch="torch", keras="keras-jax")[framework]
    for i, row in enumerate(oracles.SCHEDULE_ROWS[framework]):
        schedule, _ = oracles.our_schedule(framework, i)
        ours = jax.vmap(schedule)(jnp.arange(rows.STEPS, dtype=jnp.int32))
        theirs = oracles.recording(source)[rows.label(row)]
        found[row[0]].append(apart(ours, theirs[:, 0] if framework == "torch" else theirs))
    return found


def aliases() -> Iterator[tuple[str, Callable[..., Any], str]]:
    """Those of Optax, with the digits of their defaults."""
    for name in sorted(filter(lambda name: hasattr(alias, name), ox.__all__)):
        maker = getattr(ox, name)
        both = (maker, getattr(optax, name))
        try:
            difference = apart(*(alias_path(each, RATE) for each in both))
        except (TypeError, ValueError):  # Optax takes a number only
            difference = apart(*(alias_path(each, 0.05) for each in both))
        yield name, maker, digits([difference])


RATE = jnp.asarray(rows.RATES).__getitem__


def alias_path(maker: Callable[..., Any], rate: Any) -> Any:
    """60 updates on a parabola with pushes."""
    rated = "learning_rate" in inspect.signature(maker).parameters
    tx = maker(learning_rate=rate) if rated else maker()
    tx, params = optax.with_extra_args_support(tx), jnp.asarray(rows.THETA)
    state, path = tx.init(params), []
    for push in rows.noise():

        def value_fn(w: Any, push: Any = push) -> Any:
            return jnp.sum(push * w + rows.CURVATURE * w**2 / 2)

        value, grads = jax.value_and_grad(value_fn)(params)
        extra = dict(value=value, grad=grads, value_fn=value_fn)
        updates, state = tx.update(grads, state, params, **extra)
        params = optax.apply_updates(params, updates)
        path.append(params)
    return np.array(path)


def table(head: list[str], body: list[list[str]]) -> str:
    rows_ = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows_)


def proofs() -> Iterator[list[str]]:
    """Each dialect's call, the library's own, and what is proved of the two."""
    with jax.enable_x64(False):  # as a reader would run it
        for letters, dialect, own in own_spellings.ROWS:
            outcome = same_update(*(own_spellings.maker(letters, x) for x in (dialect, own)))
            yield [f"`{dialect}`", f"`{own}`", f"{outcome.verdict}, by {outcome.layer}"]
        for letters, dialect, own in own_spellings.DIFFERENT:
            outcome = same_update(*(own_spellings.maker(letters, x) for x in (dialect, own)))
            why = own_spellings.WITHOUT[dialect.partition("(")[0]]
            yield [f"`{dialect}`", f"`{own}`", f"{outcome.verdict}: {why}"]


def page() -> str:
    """The whole page."""
    sections = [TEXT]
    for who, name, home, live in (
        ("PyTorch", "torch", torch, {*OPTIMIZERS, *SCHEDULERS, "ReduceLROnPlateau"}),
        ("Keras", "keras", keras, {*SLOTS, *(name for name, _ in rows.KERAS_SCHEDULES)}),
    ):
        for kind, found in (("optimizers", optimizers(name)), ("schedules", schedules(name))):
            body = [
                [f"`{key}`", str(lines(getattr(home, key))), digits(found[key])]
                + ["yes" if key in live else "no"]
                for key in sorted(found)
            ]
            sections.append(
                f"## {who}: {kind}\n\n{table([kind, 'lines', 'digits', 'live'], body)}\n"
            )
    body = [[f"`{name}`", str(lines(maker)), said] for name, maker, said in aliases()]
    about = (
        "Defaults, with a changing rate where Optax takes one. Where the digits are few, Optax\n"
        "does something else than its source says, or draws other random numbers;\n"
        "`lectopt.dialects.optax` says what."
    )
    sections.append(
        f"## Optax: aliases\n\n{about}\n\n{table(['alias', 'lines', 'digits'], body)}\n"
    )
    about = (
        "What `lectopt.same_update` says of each and the library's own spelling of it, for every\n"
        "number in place of the letters. The others are chains of primitives, or wrap an optimizer."
    )
    head = ["dialect", "own spelling", "verdict"]
    sections.append(f"## Own spellings\n\n{about}\n\n{table(head, list(proofs()))}\n")
    return "\n".join(sections)


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = page()
    part = PAGE.with_name(f".{PAGE.name}")
    part.write_text(text, "utf-8")
    os.replace(part, PAGE)
