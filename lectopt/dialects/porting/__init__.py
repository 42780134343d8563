"""Porting: from the recipe of an optimizer to what another library must be told to get it."""

from lectopt.dialects.porting.schedules import debiased as debiased
from lectopt.dialects.porting.schedules import falling as falling
from lectopt.dialects.porting.schedules import following as following
from lectopt.dialects.porting.schedules import rising as rising
