"""docs/explain.md lists what is explained."""

import re
from pathlib import Path

from tests.support.optax_transformations import OPTAX

ROOT = Path(__file__).parents[2]


def test_the_page_lists_what_is_explained():
    page = (ROOT / "docs" / "explain.md").read_text("utf-8")
    listed = dict(re.findall(r"^\| `(.*?)` \| (yes|no) \|", page, re.MULTILINE))
    assert listed == {row.name: "no" if row.why else "yes" for row in OPTAX}
