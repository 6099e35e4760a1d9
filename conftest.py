"""Turns the plugin on for runs from a checkout; an installed suite has `conformance.entry`."""

pytest_plugins = ["conformance.harness.plugin"]
