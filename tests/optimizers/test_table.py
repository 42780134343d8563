"""What the table of algorithms finds out about its rows, for a few whose answer is known."""

import lectopt
from tests.support import twins
from tests.support.algorithms import ALGORITHMS, Algorithm

ROWS = {row.id: row for row in ALGORITHMS}


def test_the_state_is_looked_at():
    assert not ROWS["sgd"].slots and ROWS["sgd/momentum"].slots
    assert ROWS["nadam/warmed"].scalars == ("mu_product",) and ROWS["nadam"].scalars == ()
    assert set(ROWS["swats"].scalars) == {"rate_average", "sgd_rate"}
    assert ROWS["rprop/irprop+"].needs_value and not ROWS["rprop/irprop-"].needs_value
    # 0.1 is no number of bfloat16; 1, at which gains start, is one.
    assert ROWS["rprop/irprop-"].first_value and not ROWS["local_gains/gradient"].first_value


def test_the_twin_is_run():
    assert ROWS["adamw"].decays and ROWS["asgd"].decays and not ROWS["adam/outside"].decays
    assert ROWS["radam/skip"].idle == 4 and ROWS["radam/outside"].idle == 0
    assert ROWS["swats"].reduces and ROWS["visit_count"].reduces and not ROWS["adamw"].reduces


def test_an_optimizer_cannot_excuse_itself():
    """One that moves weights without a gradient does not decay if its source does not."""
    wrong = Algorithm("wrong", lambda rate: lectopt.adamw(rate, weight_decay=0.1), twins.sgd)
    assert not wrong.decays
