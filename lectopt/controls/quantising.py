"""The state of any optimizer in 8 or 16 bits a number.

A moment that moves by a thousandth a step would stand still if it were rounded to the nearest of
few numbers. It is rounded up or down at random, so that it is right in the mean.
"""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from lectopt.averaging import AVERAGE
from lectopt.controls.evaluation import AHEAD, SLOW
from lectopt.primitives.noise import draw_key, leaf_key, printable_key
from lectopt.settings import Scalar, Steps
from lectopt.signatures import checked
from lectopt.state_search import names
from lectopt.transformation import Context, State, Transformation
from lectopt.wrapping import AnyTransformation, as_transformation

EVALUATED = {AVERAGE, AHEAD, SLOW}  # entries that weights to evaluate are read from
SIGNED, POSITIVE = (127, 5), (255, 8)  # the largest code of a block, and the power of a code


class InBlocks(NamedTuple):
    """A slot in 8 bits a number.

    Attributes:
      codes: of the slot's shape.
      scales: one for each block along the last axis: the largest size in it, negative where a
        block has numbers of either sign.
    """

    codes: Any
    scales: Any


class Rounded(NamedTuple):
    """A slot in bfloat16."""

    value: Any


class Quantised(Transformation):
    """A transformation whose state is kept in few bits."""

    def entries(self) -> dict[str, Any]:
        """See `Transformation`."""
        return self.parts[0].entries()

    def start(self, params: Any) -> State:
        """See `Transformation`."""
        return self._kept(self.parts[0].start(params), jnp.zeros([], jnp.int32))

    def step(self, updates: Any, state: State, now: Context) -> tuple[Any, State]:
        """See `Transformation`."""
        updates, new = self.parts[0].step(updates, self._read(state), now)
        return updates, self._kept(new, now.number())

    def point_at(self, params: Any, state: State, count: Any) -> Any:
        """See `Transformation`."""
        return self.parts[0].point_at(params, self._read(state), count)

    def _kept(self, state: State, number: Any) -> State:
        bits, block, least = (self.settings[name] for name in ("bits", "block", "least"))
        key = draw_key(self.settings["key"], number)

        def kept(path: Any, slot: Any) -> Any:
            small = slot.dtype != jnp.float32 or slot.ndim == 0 or slot.size < least
            if small or EVALUATED & set(names(path)):
                return slot
            noise = leaf_key(key, path, slot)
            return in_blocks(slot, block, noise) if bits == 8 else Rounded(rounded(slot, noise))

        return jax.tree_util.tree_map_with_path(kept, state)

    @staticmethod
    def _read(state: State) -> State:
        def read(slot: Any) -> Any:
            if isinstance(slot, InBlocks):
                return from_blocks(slot)
            return slot.value.astype(jnp.float32) if isinstance(slot, Rounded) else slot

        return jax.tree.map(read, state, is_leaf=lambda x: isinstance(x, InBlocks | Rounded))


@checked
def quantise_state(
    inner: AnyTransformation,
    bits: Literal[8, 16] = 8,
    block: Steps[Scalar] = 256,
    least: Steps[Scalar] = 4096,
    *,
    key: Any = 0,
) -> Transformation:
    """The same optimizer with its state in 8 or 16 bits a number, computed in float32.

    With 16 bits a slot is a bfloat16. With 8 bits a number is `s (c / 127)^5` with the sign of its
    own, or, in a block without negative numbers, `s (c / 255)^8`: `c` is kept for each number, and
    `s`, the largest size, for each block. Either way it is rounded up or down at random, so that
    its mean is what it was; but a number above zero does not become 0 where all are, since it may
    be divided by. Adam keeps 2.03 bytes a weight in 8 bits, and 8 bytes without.

    Slots that are not float32 stay as they are, as do those with few numbers, and what
    `evaluation_params` reads. NaN or infinity in a block makes all of the block NaN.

    Args:
      inner: a lectopt or Optax transformation.
      bits: 8 or 16 a number.
      block: how many numbers along the last axis share a scale, one or more.
      least: slots of fewer numbers stay as they are; one or more.
      key: of the rounding: a JAX key or an integer seed.

    Returns:
      A transformation whose state has an `InBlocks` or `Rounded` in the place of each slot.

    Raises:
      TypeError: `inner` is not a gradient transformation.
      ValueError: `bits` is neither 8 nor 16, or `key` is no key.

    Source: Dettmers et al. 2022, 8-bit optimizers via block-wise quantization, with powers in the
    place of their table of codes, and rounding at random (Gupta et al. 2015).
    """
    part = as_transformation(inner)
    settings = dict(bits=bits, block=int(block), least=int(least), key=printable_key(key))
    return Quantised(
        name="quantise_state", settings=settings, parts=(part,), keys=part.keys, counted=True,
        by_leaf=False,
    )  # fmt: skip


def in_blocks(slot: Any, block: int, key: Any) -> InBlocks:
    """A slot in 8 bits a number, rounded at random."""
    last = slot.shape[-1]
    width = _width(last, -(-last // block))
    pad = [(0, 0)] * (slot.ndim - 1) + [(0, -last % width)]
    numbers = jnp.pad(slot, pad).reshape(*slot.shape[:-1], -1, width)
    sizes = jnp.abs(numbers)
    whole = jnp.isfinite(numbers).all(-1, keepdims=True)  # the largest of some overlooks NaN
    top = jnp.where(whole, sizes.max(-1, keepdims=True), jnp.nan)
    signed = (numbers < 0).any(-1, keepdims=True)
    share = sizes / jnp.where(top == 0, 1, top)
    codes = jnp.where(signed, _codes(share, *SIGNED, key), _codes(share, *POSITIVE, key))
    codes = jnp.where(signed, codes, jnp.maximum(codes, share > 0))
    codes = codes.astype(jnp.uint8) | ((numbers < 0).astype(jnp.uint8) << 7)
    codes = codes.reshape(*slot.shape[:-1], -1)[..., :last]
    return InBlocks(codes, jnp.where(signed, -top, top)[..., 0])


def _codes(share: Any, largest: int, power: int, key: Any) -> Any:
    """Of `(code / largest)^power = share`, one of the two around it, right in the mean."""
    low = jnp.clip(jnp.floor(largest * share ** (1 / power)), 0, largest - 1)
    below, above = ((code / largest) ** power for code in (low, low + 1))
    return low + (jax.random.uniform(key, share.shape) * (above - below) < share - below)


def from_blocks(slot: InBlocks) -> Any:
    """The numbers that are kept."""
    last = slot.codes.shape[-1]
    width = _width(last, slot.scales.shape[-1])
    scales = jnp.repeat(slot.scales, width, -1)[..., :last]
    sign = jnp.where(slot.codes >= 128, -1.0, 1.0)
    of_signed = sign * ((slot.codes & 127) / SIGNED[0]) ** SIGNED[1]
    return jnp.abs(scales) * jnp.where(
        scales < 0, of_signed, (slot.codes / POSITIVE[0]) ** POSITIVE[1]
    )


def _width(numbers: int, blocks: int) -> int:
    """Of so many blocks, alike but for the last one."""
    return -(-numbers // blocks)


def rounded(x: Any, key: Any) -> Any:
    """A float32 as one of the two bfloat16 around it, right in the mean: the 16 bits that are cut
    off carry with the probability that they are a share of."""
    bits = jax.lax.bitcast_convert_type(x, jnp.uint32)
    carried = bits + jax.random.bits(key, x.shape, jnp.uint32) % 65536
    kept = jnp.where(jnp.isfinite(x), carried, bits) & jnp.uint32(0xFFFF0000)
    return jax.lax.bitcast_convert_type(kept, jnp.float32).astype(jnp.bfloat16)
