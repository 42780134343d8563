"""What Sphinx makes of the library while the site is built: its figures, a page for each lecture
and for each algorithm, the pages of the API, and links from the codes of the lectures' entries."""

from pathlib import Path

from lectopt.pictures.exploring import lectures as explorer

from . import algorithms, api, figures, lectures, links, notebooks


def write_pages(app):
    """The generated pages, before Sphinx looks for pages."""
    source = Path(app.srcdir)
    shown = figures.draw(source / "_gallery", algorithms.paths())
    write(source / "_gallery" / "all.md", figures.page(shown))
    pages = lectures.pages(source, shown) | algorithms.pages(source) | api.pages()
    for folder in ("lectures", "algorithms", "api"):
        for old in (source / folder).glob("*.md"):
            if f"{folder}/{old.name}" not in pages:
                old.unlink()
    for name, text in pages.items():
        write(source / name, text)


def write(path, text):
    """The text, unless it stands there: Sphinx reads again what is newer."""
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_text("utf-8") != text:
        path.write_text(text, "utf-8")


def write_explorer(app, exception):
    """The page that computes live, beside the others: too large and too easily made to be kept."""
    if exception is None and app.builder.format == "html":
        explorer.write(Path(app.outdir) / "live.html")


def setup(app):
    app.connect("builder-inited", write_pages)
    app.connect("builder-inited", notebooks.make)
    app.connect("source-read", notebooks.offer)
    app.connect("build-finished", write_explorer)
    app.connect("build-finished", notebooks.write)
    app.connect("doctree-resolved", links.link)
    return {"parallel_read_safe": True}
