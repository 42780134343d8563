"""The two ways to write a rule: `leafwise` for one weight, `treewise` for the whole tree.

Trees, dtypes, counters, schedules, tracing and names are the business of this folder, so that no
rule has to mention them.
"""

from lectopt.lifting._inner import Inner as Inner
from lectopt.lifting._leafwise import leafwise as leafwise
from lectopt.lifting._rule import Rule as Rule
from lectopt.lifting._treewise import treewise as treewise
