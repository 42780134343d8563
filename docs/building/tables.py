"""The tables of the pages that are kept, for those that are generated."""

import re

ROW = re.compile(r"^\| (.+) \|$", re.M)


def rows(text):
    """The cells of all rows of tables, heads included."""
    for line in ROW.findall(text):
        if not line.startswith("---"):
            yield [cell.strip() for cell in re.split(r" \|(?: |$)", line)]


def catalogue(source):
    """Code -> (title, what is in lectopt) of every entry of the lectures."""
    text = (source / "catalogue.md").read_text("utf-8")
    return {code: (title, have) for code, title, have in rows(text) if re.match(r"S\d-\d\d", code)}


def functions(source, lecture):
    """(name, (symbols, call in lectopt, erratum)) of a lecture's functions, in its order."""
    text = (source / "lectures.md").read_text("utf-8")
    own = text.partition(f"`lectopt.lectures.{lecture}`")[2].partition("\n## ")[0]
    for first, *others in rows(own):
        if first.startswith("`"):
            yield re.findall(r"\w+", first)[0], (others + ["", ""])[:3]


def conventions(source):
    """Title -> table of who follows which convention."""
    text = (source / "conventions.md").read_text("utf-8")
    return dict(re.findall(r"^### (.+)\n\n((?:\|.*\n)+)", text, re.M))


def taught(source):
    """Algorithm -> (taught in, how the convention is chosen)."""
    found = {}
    for names, *others in rows((source / "algorithms.md").read_text("utf-8")):
        found |= {name: others for name in re.findall(r"`(\w+)`", names)}
    return found


def linked(text, prefix):
    """Links of a kept page, as from a folder below it."""
    return re.sub(r"\]\((?!http|#)([^)]+)\)", rf"]({prefix}\1)", text)
