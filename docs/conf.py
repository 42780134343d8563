"""Sphinx configuration: Markdown pages (MyST) and the API reference from the docstrings."""

import re
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert

import lectopt
from lectopt.pictures.exploring import lectures
from lectopt.pictures.gallery import NAMES, exhibit

project = "lectopt"
author = "The lectopt authors"
copyright = "2026, The lectopt authors"
version = release = lectopt.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build", "_gallery"]
html_theme = "furo"
html_math_renderer = "mathml"
html_title = f"lectopt {release}"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say what an argument is, with its range
napoleon_google_docstring = True
napoleon_numpy_docstring = False


def markdown_code(app, what, name, obj, options, lines):
    """Docstrings write code as in Markdown, `x`; reST wants ``x``, and a break before a letter."""
    text = re.sub(r"(?<!`)`([^`]+)`(?!`)(?=(\w?))", code, "\n".join(lines))
    lines[:] = text.split("\n")


def code(match):
    return f"``{match[1]}``" + ("\\ " if match[2] else "")


def mathml(display):
    """Formulas as MathML, which browsers typeset by themselves: pages need no network."""

    def visit(translator, node):
        translator.body.append(convert(node.astext(), display=display))
        raise nodes.SkipNode

    return visit, None


def write_explorer(app, exception):
    """The page that computes live, beside the others: too large and too easily made to be kept."""
    if exception is None and app.builder.format == "html":
        lectures.write(Path(app.outdir) / "live.html")


def write_gallery(app):
    """The lectures' figures, with what each has measured, for gallery.md."""
    folder = Path(app.srcdir) / "_gallery"
    parts = []
    for name in NAMES:
        shown = exhibit(name, folder / f"{name}.png")
        word = "Holds" if shown.verdict.holds else "Does not hold"
        title = name.replace("_", " ").capitalize()
        image = f"![{title}: {shown.claim}]({name}.png)"
        said = f"{shown.claim}\n\n**{word}**: {shown.verdict.measured}"
        parts.append(f"## {title}\n\n{said}\n\n{image}\n")
    (folder / "all.md").write_text("\n".join(parts), "utf-8")


def setup(app):
    app.connect("builder-inited", write_gallery)
    app.connect("build-finished", write_explorer)
    app.add_html_math_renderer("mathml", mathml("inline"), mathml("block"))
    app.connect("autodoc-process-docstring", markdown_code, priority=400)  # before napoleon's 500
