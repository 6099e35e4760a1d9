"""A conformance suite for the transforms of Flax NNX: one claim of the guide, one test."""

__version__ = "0.1.0"
