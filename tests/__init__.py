"""The tests, in the shape of `lectopt`; what they share is in `tests.support`."""
