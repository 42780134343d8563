"""From an optimizer to its system of equations: tracing it and walking its jaxprs."""
