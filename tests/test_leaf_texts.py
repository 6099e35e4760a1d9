"""leaf_texts: whether two texts tell of the same leaf, as numpy and chex would say."""

import pytest

from conformance.harness.leaf_texts import alike

ALIKE = [
    ("array float32[2] [1.0,2.0]", "array float32[2] [1.000001,2.0]"),
    ("array float16[] 1.0", "array float16[] 1.005"),
    ("array bfloat16[1] [100.0]", "array bfloat16[1] [100.5]"),
    ("array float32[2] [nan,inf]", "array float32[2] [nan,inf]"),
    ("static 'array float32[] 1.0'", "static 'array float32[] 1.0'"),
    ("array float32[0] []", "array float32[0] []"),
]
DIFFERENT = [
    ("array float32[2] [1.0,2.0]", "array float32[2] [1.001,2.0]"),
    ("array float32[2] [1.0,2.0]", "array float32[1,2] [[1.0,2.0]]"),
    ("array float32[2] [1.0,2.0]", "array float32[2] [1.0]"),
    ("array float32[] 1.0", "array float16[] 1.0"),
    ("Param float32[] 1.0", "Count float32[] 1.0"),
    ("array int32[] 1000000", "array int32[] 1000001"),
    ("array float32[] inf", "array float32[] -inf"),
    ("array float32[] nan", "array float32[] 1.0"),
    ("array float32[] x", "array float32[] 1.0"),
    ("static float32[] 1.0", "static float32[] 1.0000001"),
    ("static 1", "static 2"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_alike(one: str, other: str) -> None:
    """Floats are alike within the tolerance of their type."""
    assert alike(one, other)
    assert alike(other, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different(one: str, other: str) -> None:
    """Everything else has to be the same to the letter."""
    assert not alike(one, other)
    assert not alike(other, one)
