"""Links from the codes of the lectures' entries, S0-40, to the catalogue; and in the tables of
algorithms from the functions to their pages."""

import re

from docutils import nodes

CODE = re.compile(r"\bS[0-4]-\d\d\b")
NAME = re.compile(r"[A-Za-z_][\w.]*")
TABLES = ("algorithms", "catalogue")


def link(app, doctree, docname):
    """Put the links into a page."""
    if docname == "catalogue":
        for cell in doctree.findall(nodes.entry):
            if CODE.fullmatch(cell.astext()):
                cell["ids"].append(cell.astext().lower())
                cell["classes"].append("code")
    else:
        for text in list(doctree.findall(nodes.Text)):
            if CODE.search(text) and not _inside(text, nodes.reference, nodes.literal, nodes.title):
                uri = app.builder.get_relative_uri(docname, "catalogue")
                text.parent.replace(text, list(_pieces(text.astext(), uri)))
    if docname in TABLES or docname.startswith("lectures/"):
        _functions(app, doctree, docname)


def _inside(text, *kinds):
    node = text.parent
    while node is not None:
        if isinstance(node, kinds):
            return True
        node = node.parent
    return False


def _pieces(text, uri):
    end = 0
    for found in CODE.finditer(text):
        yield nodes.Text(text[end : found.start()])
        yield nodes.reference("", found[0], internal=True, refuri=f"{uri}#{found[0].lower()}")
        end = found.end()
    yield nodes.Text(text[end:])


def _functions(app, doctree, docname):
    objects = app.env.get_domain("py").objects
    for literal in list(doctree.findall(nodes.literal)):
        name = NAME.match(literal.astext())
        found = objects.get(f"lectopt.{name[0]}") if name else None
        if found and not _inside(literal, nodes.reference, nodes.title):
            uri = app.builder.get_relative_uri(docname, found.docname)
            reference = nodes.reference("", "", internal=True, refuri=f"{uri}#{found.node_id}")
            literal.parent.replace(literal, reference)
            reference += literal
