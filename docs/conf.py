"""Sphinx configuration: Markdown pages (MyST), and what `building` makes of the library."""

import re
import sys
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert

import lectopt

sys.path.insert(0, str(Path(__file__).parent))  # for `building`

project = "lectopt"
author = "The lectopt authors"
copyright = "2026, The lectopt authors"
version = release = lectopt.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "building",
]
exclude_patterns = ["_build", "_gallery"]
html_theme = "furo"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_title = f"lectopt {release}"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

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
        latex = node.astext().replace("{aligned}", "{align*}")  # which latex2mathml does not know
        text = convert(latex, display=display)
        # A formula that is wider than a phone is moved, not the page.
        translator.body.append(f'<div class="wide">{text}</div>' if display == "block" else text)
        raise nodes.SkipNode

    return visit, None


def setup(app):
    app.add_html_math_renderer("mathml", mathml("inline"), mathml("block"))
    app.connect("autodoc-process-docstring", markdown_code, priority=400)  # before napoleon's 500
