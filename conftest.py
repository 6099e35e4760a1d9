"""Turns the plugin on for runs from a checkout; an installed suite has `nnx_conformance`."""

# pytester is for `tests`: pytest takes it from this conftest only.
pytest_plugins = ["conformance.harness.plugin", "pytester"]
