"""What notebooks show of optimizers, results and ports."""

from html.parser import HTMLParser

import lectopt
from lectopt.dialects import torch
from tests.sweep.made import grid, result


class Cells(HTMLParser):
    """The texts of a page, in order; every element has to be closed."""

    def __init__(self, page):
        super().__init__()
        self.open, self.texts = [], []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts += [data.strip()] * bool(data.strip())


def test_an_optimizer():
    optimizer = lectopt.adamw(0.1, mask=lambda params: params)
    assert "<lambda>" in repr(optimizer)
    assert Cells(optimizer._repr_html_()).texts == [repr(optimizer)]


def test_a_port():
    ported = lectopt.port(torch.SGD(lr=0.1, momentum=0.9), "keras")
    verdict, call, reason = Cells(ported._repr_html_()).texts
    assert verdict == "exact while the learning rate is constant" and call == ported.call
    assert reason.startswith(ported.reason) and reason.endswith("apart after 100 updates.")


def test_a_sweep():
    found = result(grid("adam", [[0.5]]) + grid("sgd", [[0.25]]))
    sentence, *cells = Cells(found._repr_html_()).texts
    assert sentence == repr(found) and "optimizer" in cells
    assert cells.index("sgd") < cells.index("adam")
    assert Cells(result([])._repr_html_()).texts == [repr(result([]))]
