"""Porting: from the recipe of an optimizer to what another library must be told to get it."""

from lectopt.dialects.porting.schedules import debiased, falling, following, rising

__all__ = [
    "debiased",
    "falling",
    "following",
    "rising",
]
