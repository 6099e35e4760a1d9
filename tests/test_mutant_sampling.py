"""mutants.sampling: the same order every time, fair from its beginning on."""

from collections import Counter

from tools.mutants.operators import Mutation
from tools.mutants.sampling import Mutant, ordered


def mutants(function: str, **operators: int) -> list[Mutant]:
    """So many mutants of each operator in a function."""
    return [
        Mutant("nnx/a.py", Mutation(line, 0, operator, "done", function, 0, 0, b"", line, line))
        for operator, number in operators.items()
        for line in range(number)
    ]


SMALL = mutants("small", statement=4)
LARGE = mutants("large", condition=60, constant=2, statement=2)


def test_ordered() -> None:
    """The order is that of the seed, whatever the order in which the mutants are given."""
    found = ordered([*SMALL, *LARGE], 1)
    assert found == ordered([*LARGE, *SMALL][::-1], 1)
    assert found != ordered([*SMALL, *LARGE], 2)
    assert Counter(found) == Counter([*SMALL, *LARGE])


def test_ordered_fair() -> None:
    """A function with sixteen times as many mutations comes four times as often."""
    for seed in range(5):
        first = Counter(m.mutation.function for m in ordered([*SMALL, *LARGE], seed)[:10])
        assert first["small"] in (1, 2, 3)


def test_ordered_operators() -> None:
    """Within a function, every operator has its turn."""
    for seed in range(5):
        operators = [mutant.mutation.operator for mutant in ordered(LARGE, seed)]
        assert set(operators[:3]) == set(operators[3:6]) == {"condition", "constant", "statement"}
