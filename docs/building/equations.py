"""The equations of an optimizer as Markdown, read by `explain` while the site is built."""

import lectopt


def of(maker, letters=None, **settings):
    """The recurrence typeset, what the letters are, and how far it was replayed; or why there is
    none."""
    found = lectopt.explain(maker, letters=letters, **settings)
    if found.obstacle:
        return f"`explain` has no equations of it: {found.obstacle}.\n"
    return f"{display(found.latex)}\n{notes(found)}"


def display(latex):
    return f"$$\n{latex}\n$$\n"


def notes(found):
    """The first state and the letters, as `explain` prints them."""
    lines = found.text.splitlines()
    wanted = [k for k, line in enumerate(lines) if line.startswith(("    start: ", "    where "))]
    told = []
    for k in wanted:
        text = lines[k].strip()
        for more in lines[k + 1 :]:
            if not more.startswith("      "):
                break
            text += " " + more.strip()
        told.append(text)
    return "\n\n".join(f"`{text}`" for text in told) + "\n" * bool(told)


def replayed(maker, **settings):
    """What five updates of the equations in NumPy differ from the optimizer by."""
    found = lectopt.explain(maker, **settings)
    if found.obstacle:
        return ""
    return (
        "Evaluated in NumPy beside five updates, these equations are within "
        f"{found.replay():.0e} of the optimizer.\n"
    )
