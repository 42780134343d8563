"""Guides as notebooks, with what their code prints and draws: they open in Jupyter as they are."""

import ast
import base64
import contextlib
import io
import itertools
import json
import multiprocessing
import os
import re
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

GUIDES = ("loops", "schedules", "changing-the-rate", "pictures")
BLOCK = re.compile(r"^```python\n(.*?)^```\n", re.M | re.S)
LINK = '<p><a href="notebooks/{}.ipynb" download>This page as a notebook</a>, executed.</p>\n\n'


def make(app):
    """The notebooks, from the pages' code, which is run; and what it draws, for the pages."""
    if app.builder.format != "html":
        return
    source = Path(app.srcdir)
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        texts = [(source / f"{name}.md").read_text("utf-8") for name in GUIDES]
        app.notebooks = dict(zip(GUIDES, pool.map(notebook, texts), strict=True))
    for name, made in app.notebooks.items():
        for number, picture in drawn(made).items():
            path = source / "_gallery" / f"{name}_{number}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(base64.b64decode(picture))


def offer(app, docname, source):
    """A link under the title of a page that is a notebook too, and pictures under the code that
    draws them."""
    if docname in GUIDES and app.builder.format == "html":
        numbers, pictures = itertools.count(1), drawn(app.notebooks[docname])

        def with_picture(block):
            number = next(numbers)
            image = f"\n![what this draws](_gallery/{docname}_{number}.png)\n"
            return block[0] + image * (number in pictures)

        title, rest = source[0].split("\n\n", 1)
        source[0] = f"{title}\n\n{LINK.format(docname)}{BLOCK.sub(with_picture, rest)}"


def write(app, exception):
    """The notebooks, beside the pages."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / "notebooks"
    folder.mkdir(exist_ok=True)
    for name, made in app.notebooks.items():
        (folder / f"{name}.ipynb").write_text(json.dumps(made, indent=1), "utf-8")


def drawn(made):
    """Number of a code cell, from 1 -> its picture, in base64."""
    cells = [cell for cell in made["cells"] if cell["cell_type"] == "code"]
    return {
        number: output["data"]["image/png"]
        for number, cell in enumerate(cells, start=1)
        for output in cell["outputs"]
        if "image/png" in output.get("data", ())
    }


def notebook(text):
    """A page as a notebook: its code run in order, in a folder of its own."""
    names, cells, end = {"__name__": "__main__"}, [], 0
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for block in BLOCK.finditer(text):
                cells.append(_cell("markdown", text[end : block.start()].strip()))
                cells.append(_cell("code", block[1].rstrip()))
                outputs = run(block[1], names)
                cells[-1] |= {"outputs": outputs, "execution_count": len(cells) // 2}
                end = block.end()
        finally:
            os.chdir(before)
    cells.append(_cell("markdown", text[end:].strip()))
    for cell in cells:
        if cell["cell_type"] == "markdown":
            cell["source"] = linked(cell["source"])
    for k, cell in enumerate(cells):
        cell["id"] = f"cell-{k}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": [cell for cell in cells if cell["source"]],
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def linked(text):
    """Links to other pages as they are from the folder of the notebooks."""
    text = re.sub(r"\]\(([\w/-]+)\.md", r"](../\1.html", text)
    return text.replace('href="live.html"', 'href="../live.html"')


def run(code, names):
    """The outputs of a cell: what it prints, and the value of its last line as Jupyter shows it."""
    tree, printed, value = ast.parse(code), io.StringIO(), None
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "cell", "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    outputs = []
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": printed.getvalue()})
    if value is not None:
        outputs.append({"output_type": "display_data", "metadata": {}, "data": _shown(value)})
    return outputs


def _shown(value):
    data = {"text/plain": repr(value)}
    if hasattr(value, "_repr_png_"):
        data["image/png"] = base64.b64encode(value._repr_png_()).decode()
    elif hasattr(value, "_repr_html_") and (html := value._repr_html_()):
        data["text/html"] = html
    return data


def _cell(kind, source):
    return {"cell_type": kind, "metadata": {}, "source": source}
