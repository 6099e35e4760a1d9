"""The text of a leaf: what stands at a path, in words, as snapshots and records keep it.

An array is written `what dtype[shape] elements`. Nothing here needs numpy, JAX or Flax.
"""

import math
import re

# A static attribute may hold any text, one that looks like an array's too.
ARRAY = re.compile(
    r"(?P<what>(?!static ).+) (?P<dtype>[a-z]+\d*)\[(?P<shape>[\d,]*)\] (?P<elements>\S+)"
)
ELEMENT = re.compile(r"[^][,]+")

# Relative and absolute tolerance by the width of a float in bytes: two programs that compute the
# same sum may round it differently. Everything that is not a float is compared exactly.
TOLERANCES = {2: (1e-2, 1e-2), 4: (1e-5, 1e-6), 8: (1e-12, 1e-12)}

_FLOAT = re.compile(r"(?:float|bfloat)(\d+)")


def alike(one: str, other: str) -> bool:
    """Whether two texts tell of the same leaf: floats within their tolerance, all else exactly."""
    if one == other:
        return True
    arrays = ARRAY.fullmatch(one), ARRAY.fullmatch(other)
    if not all(arrays):
        return False
    first, second = (array.groupdict() for array in arrays if array)
    width = _FLOAT.fullmatch(first["dtype"])
    elements = [ELEMENT.findall(leaf.pop("elements")) for leaf in (first, second)]
    if first != second or not width or len(elements[0]) != len(elements[1]):
        return False
    relative, absolute = TOLERANCES.get(int(width[1]) // 8, TOLERANCES[2])
    try:
        pairs = [(float(a), float(b)) for a, b in zip(*elements, strict=True)]
    except ValueError:  # edited by hand
        return False
    return all(
        math.isclose(a, b, rel_tol=relative, abs_tol=absolute) or (math.isnan(a) and math.isnan(b))
        for a, b in pairs
    )
