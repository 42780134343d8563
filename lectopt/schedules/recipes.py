"""Whole schedules, of the parts in the other modules."""

from typing import Annotated, Any

from lectopt.schedules.combining import with_warmup
from lectopt.schedules.cycles import cosine_decay
from lectopt.schedules.formula import Schedule
from lectopt.settings import LearningRate, Numeric, Range, Scalar, Steps
from lectopt.signatures import checked

Rise = Annotated[Numeric, Range(0, float("inf"), False, "a share below 1, or updates", 0.05)]


@checked
def warmup_cosine(
    peak: LearningRate[Scalar],
    steps: Steps[Scalar],
    warmup: Rise[Scalar] = 0.05,
    end: LearningRate[Scalar] = 0.0,
) -> Schedule:
    """A straight line from 0 to `peak`, then half a cosine to `end`, in `steps` updates in all:
    `with_warmup(cosine_decay(peak, steps - rise, end), rise)`.

    Args:
      peak: the highest value, at count `rise`.
      steps: updates of the training; at this count, which it does not reach, it is `end`.
      warmup: how many of them rise, as a share below 1, rounded to whole updates, or as a number of
        updates, below `steps`.
      end: the last value.

    Raises:
      ValueError: a number is out of range, or nothing is left for the cosine.

    Source: `optax.warmup_cosine_decay_schedule`, with the share that users of language models
      write; Goyal et al. 2017 and Loshchilov and Hutter 2017, for TTIC 31230 (S3-20, S3-22).
    """
    number: Any = warmup
    rise = round(number * steps) if number < 1 else number
    if not rise < steps:
        raise ValueError(
            f"warmup_cosine: a warm-up of {rise} updates leaves none of {steps} for the cosine. "
            "Write a share, warmup=0.05, or fewer updates."
        )
    return with_warmup(cosine_decay(peak, steps - rise, end), rise)
