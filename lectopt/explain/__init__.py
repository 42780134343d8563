"""The equations of any Optax transformation."""
