"""The equations that `explain` prints, read again and run, without SymPy.

With `^` for a power, a printed formula is a Python expression: powers bind before products, these
before sums, comparisons, `not`, `and`, `or`, and last `a if c else b`. Python parses it, and
NumPy computes what was read. LaTeX is first written as text.
"""

import ast
import functools as ft
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

OPERATORS: dict[type, Any] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.true_divide,
    ast.Pow: np.float_power, ast.Mod: np.mod, ast.USub: np.negative, ast.Not: np.logical_not,
    ast.And: np.logical_and, ast.Or: np.logical_or, ast.Eq: np.equal, ast.NotEq: np.not_equal,
    ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater, ast.GtE: np.greater_equal,
}  # fmt: skip
FUNCTIONS: dict[str, Any] = {
    "sqrt": np.sqrt, "cbrt": np.cbrt, "abs": np.abs, "sign": np.sign, "exp": np.exp, "log": np.log,
    "cos": np.cos, "sin": np.sin, "tanh": np.tanh, "floor": np.floor, "isnan": np.isnan,
    "isfinite": np.isfinite, "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "max": lambda *xs: ft.reduce(np.maximum, xs), "min": lambda *xs: ft.reduce(np.minimum, xs),
}  # fmt: skip
REDUCTIONS: dict[str, Any] = {
    "Σ": np.sum, "norm": np.linalg.norm, "max": np.max, "any": np.any, "all": np.all
}  # fmt: skip
CONSTANTS = {"π": np.pi, "inf": np.inf, "nan": np.nan}
POINT, EVALUATION = "∇L", "evaluate at"  # no letters of statistics
HEADER = re.compile(r"  (\S.*):")
EQUATION = re.compile(r"(\w+\[t\]) += (.*)")
NOTE = re.compile(r"(where|reads|read on|computes a part) .*|([nN]|n_[a-z]) is the number of .*")
CONTINUED = re.compile(r"\n {6,}")  # a line that was too long
RANKS = ("scalars", "vectors", "matrices", "arrays of 3 axes", "arrays of 4 axes")


class Unreadable(Exception):
    """What is printed is no formula, or holds a function or a name that has no meaning."""


def formula(text: str) -> ast.expr:
    """A printed formula as a syntax tree."""
    text = re.sub("‖([^‖]*)‖(_[a-z]+)?", lambda m: f"norm{m[2] or ''}({m[1]})", text)
    text = re.sub(r"'+(?=\()", lambda m: "_" * len(m[0]), text)  # primes of functions
    try:
        return ast.parse(text.replace("^", "**").replace(" mod ", " % "), mode="eval").body
    except SyntaxError:
        raise Unreadable(f"no formula: {text}") from None


class Equations:
    """What is printed of an optimizer, as definitions; a value is computed when it is asked for.

    Args:
      text: what is printed.
      params: the first parameters, an array by the label of each leaf.
      numbers: the values of the settings by their letters.
    """

    def __init__(self, text: str, params: Mapping[str, Any], numbers: Mapping[str, Any]):
        self.shapes = {leaf: np.shape(x) for leaf, x in params.items()}
        self.numbers = CONSTANTS | {"N": sum(map(np.size, params.values()))} | dict(numbers)
        self.known = {("θ", 0, leaf): x for leaf, x in params.items()}
        self.rules: dict[tuple[str, str], ast.expr] = {}
        leaves = [*params]  # what stands before the first header holds for all of them
        for line in CONTINUED.sub(" ", text).splitlines()[1:]:
            if header := HEADER.fullmatch(line):
                leaves = [x for name in header[1].split(", ") for x in self.called(name)]
            else:
                for name, right in definitions(line.strip()):
                    self.rules |= {(leaf, name): right for leaf in leaves}
        for leaf in params:  # what is not printed where it goes without saying
            self.rules.setdefault((leaf, "θ[t]"), formula("θ[t-1] + u[t]"))
            self.rules.setdefault((leaf, POINT), formula("θ[t-1]"))
            self.rules.setdefault((leaf, EVALUATION), formula("θ[t]"))

    def called(self, name: str) -> list[str]:
        """The leaves of a name, or of a rank."""
        if name not in RANKS:
            return [name]
        return [leaf for leaf, shape in self.shapes.items() if len(shape) == RANKS.index(name)]

    def give(self, time: int, leaf: str, **values: Any) -> None:
        """What comes from outside at an update: the gradient `g`, the loss `L`."""
        self.known |= {(name, time, leaf): value for name, value in values.items()}

    def __call__(self, name: str, time: int, leaf: str) -> Any:
        """The value of a letter after an update, or the `POINT` or the `EVALUATION` of it."""
        key = (name, time, leaf)
        if key not in self.known:
            index = "" if name in (POINT, EVALUATION) else "[t]" if time else "[0]"
            rule = self.rules.get((leaf, name + index))
            if rule is None:
                raise Unreadable(f"{name}{index} is not defined")
            with np.errstate(all="ignore"):  # both sides of a case are computed
                self.known[key] = self.evaluated(rule, time, leaf)
        return self.known[key]

    def evaluated(self, node: ast.AST, time: int, leaf: str) -> Any:
        """The value of a formula at an update, for the weights of a leaf."""
        of = ft.partial(self.evaluated, time=time, leaf=leaf)
        match node:
            case ast.Constant(int() | float() as value):
                return float(value)
            case ast.Name("t"):
                return float(time)
            case ast.Name(name):
                return self.number(name, leaf)
            case ast.Subscript(ast.Name(name), index):
                return self(name, int(of(index)), leaf)
            case ast.UnaryOp(op, x):
                return OPERATORS[type(op)](of(x))
            case ast.BinOp(a, op, b) | ast.Compare(a, [op], [b]):
                return OPERATORS[type(op)](of(a), of(b))
            case ast.BoolOp(op, xs):
                return ft.reduce(OPERATORS[type(op)], map(of, xs))
            case ast.IfExp(condition, yes, no):
                return np.where(of(condition), of(yes), of(no))
            case ast.Call(ast.Name(name), [x]) if name.partition("_")[0] in REDUCTIONS:
                return self.reduced(name, x, time, leaf)
            case ast.Call(ast.Name(name), args) if name in FUNCTIONS:
                return FUNCTIONS[name](*map(of, args))
        raise Unreadable(f"no formula: {ast.unparse(node)}")

    def number(self, name: str, leaf: str) -> Any:
        """A setting, what stays as it starts, or how many weights there are."""
        if (leaf, name) in self.rules:
            return self.evaluated(self.rules[leaf, name], 0, leaf)
        if name not in self.numbers and name != "n":
            raise Unreadable(f"{name} is not defined")
        return self.numbers.get(name, np.prod(self.shapes[leaf]))

    def reduced(self, function: str, inside: ast.AST, time: int, leaf: str) -> Any:
        """A sum, say: `Σ` over all weights, `Σ_leaf` over a leaf, `Σ_j` over its second axis."""
        name, _, index = function.partition("_")
        over = [leaf] if index else [*self.shapes]
        parts = [np.broadcast_to(self.evaluated(inside, time, x), self.shapes[x]) for x in over]
        if index in ("", "leaf"):
            return REDUCTIONS[name](np.concatenate([part.ravel() for part in parts]))
        if set(index) > set("ijkl"):
            raise Unreadable(f"no formula: {function} over no axis of a leaf")
        return REDUCTIONS[name](parts[0], axis=tuple(map("ijkl".index, index)), keepdims=True)


def definitions(line: str) -> Iterator[tuple[str, ast.expr]]:
    """What a line defines, by names such as `m[t]` and `m[0]`."""
    if line.startswith("start: "):
        for first in re.split(r", (?=\w+(?:\[0\])? = )", line.removeprefix("start: ")):
            name, _, right = first.partition(" = ")
            yield name, formula(right)
    elif line.startswith(EVALUATION):
        yield EVALUATION, formula(line.removeprefix(EVALUATION).strip())
    elif equation := EQUATION.fullmatch(line):
        name, right = equation.groups()
        point = right.startswith(POINT)
        yield (POINT, formula(right.removeprefix(POINT))) if point else (name, formula(right))
    elif not NOTE.fullmatch(line):
        raise Unreadable(line)


# --- LaTeX.

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "Delta": "Δ", "epsilon": "ε", "eta": "η",
    "theta": "θ", "lambda": "λ", "mu": "μ", "xi": "ξ", "pi": "π", "rho": "ρ", "psi": "ψ",
}  # fmt: skip
MARKS = {
    r"\begin{cases} ": "⟨", r" \end{cases}": "⟩", r" & \text{if } ": " & ",
    r" & \text{otherwise}": "", r"\left(": "(", r"\right)": ")", r"\left|": "abs(",
    r"\right|": ")", r"\left\lVert ": "‖", r" \right\rVert": "‖", r"\sum": "Σ", r"\infty": "inf",
    " = ": " == ", r"\neq": "!=", r"\leq": "<=", r"\geq": ">=", r" \, ": "*", r"\nabla L": POINT,
    r"\max": "max", r"\min": "min", r"\exp": "exp", r"\log": "log", r"\cos": "cos",
    r"\sin": "sin", r"\tanh": "tanh",
}  # fmt: skip
BRACES = (
    (r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))"),
    (r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)"),
    (r"\^\{([^{}]*)\}(?!\^)", r"^(\1)"),  # TeX refuses a second exponent at the same base
)


def plain(latex: str) -> str:
    """A typeset formula in the notation of text, every fraction and case in parentheses."""
    text = re.sub(r" \\cdot 10\^\{(-?\d+)\}", r"e\1", latex)
    for mark, new in MARKS.items():
        text = text.replace(mark, new)
    text = re.sub(rf"\\({'|'.join(GREEK)})(?![a-zA-Z])", lambda m: GREEK[m[1]], text)
    text = re.sub(r"\\text\{( ?\w+ )\}", r"\1", text)  # and, or, not, mod
    text = re.sub(r"\\(?:mathrm|operatorname)\{([^{}]*)\}", r"\1", text).replace(r"\_", "_")
    text = re.sub(r"\\hat\{(\w+)\}", r"\1_hat", text)
    text = re.sub(r"([\w‖]+?)(_hat)?_\{([^{}]*)\}", _indexed, text)
    before = ""
    while text != before:  # from the innermost braces outwards
        before = text
        for braces, new in BRACES:
            text = re.sub(braces, new, text)
        text = re.sub("⟨([^⟨⟩]*)⟩", _cases, text)
    return text


def _indexed(match: re.Match[str]) -> str:
    """`m_{1,t-1}` as `m1[t-1]`."""
    name, hat, time = match[1], match[2] or "", ""
    for index in match[3].split(","):
        if re.fullmatch("t(-1)?", index):
            time = f"[{index}]"
        else:
            below = {"+": "plus", "-": "minus"}.get(index, index)
            name += below if below.isdigit() else f"_{below}"
    return name + hat + time


def _cases(match: re.Match[str]) -> str:
    """The rows `value & condition`, and the last without condition, as `a if c else b`."""
    rows = (row.split(" & ") for row in match[1].split(r" \\ "))
    return f"({' else '.join(' if '.join(f'({x})' for x in row) for row in rows)})"


def typeset(text: str, latex: str) -> str:
    """The printed text with the typeset equations in the place of its own."""
    rows = [row for row in latex.splitlines()[1:-1] if not re.search(r"^  &\\text|&\\sim", row)]
    equations = (row.strip().removesuffix(r" \\") for row in rows)
    lines = []
    for line in CONTINUED.sub(" ", text).splitlines():
        if line.strip().startswith(EVALUATION):
            right = next(equations).removeprefix(r"\text{evaluate at} &\,\, ")
            line = f"    {EVALUATION} {plain(right)}"
        elif EQUATION.fullmatch(line.strip()):
            left, _, right = next(equations).partition(" &= ")
            line = f"    {plain(left)} = {plain(right)}"
        lines.append(line)
    assert next(equations, None) is None, "more is typeset than printed"
    return "\n".join(lines)
