"""Sampling: which of all mutations are tried, and in which order."""

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tools.mutants.operators import Mutation


@dataclass(frozen=True)
class Mutant:
    """A mutation of one file, which is named relative to the package."""

    file: str
    mutation: Mutation

    @property
    def key(self) -> str:
        """The file, the place in it, and what is done there."""
        place = f"{self.file}:{self.mutation.line}:{self.mutation.column}"
        return f"{place} {self.mutation.operator} {self.mutation.change}"


def ordered(mutants: Sequence[Mutant], seed: int) -> list[Mutant]:
    """All of the mutants, so that the first so many are a fair sample of them, for any number.

    Every function has its turn, one with four times as many mutations twice as often; and within
    a function every operator. The seed decides the rest.
    """
    functions = defaultdict(list)
    for mutant in mutants:
        functions[mutant.file, mutant.mutation.function].append(mutant)
    turns = {}
    for name, inside in functions.items():
        chance = random.Random(f"{seed} {name}")
        late = chance.random()
        for number, mutant in enumerate(_mixed(inside, chance)):
            turns[mutant.key] = (number + late) / len(inside) ** 0.5
    return sorted(mutants, key=lambda mutant: (turns[mutant.key], mutant.key))


def _mixed(mutants: Sequence[Mutant], chance: random.Random) -> Iterator[Mutant]:
    """The mutants in turns of one for each operator."""
    operators: Mapping[str, list[Mutant]] = defaultdict(list)
    for mutant in sorted(mutants, key=lambda mutant: mutant.key):
        operators[mutant.mutation.operator].append(mutant)
    for each in operators.values():
        chance.shuffle(each)
    names = list(operators)
    chance.shuffle(names)
    for turn in range(max(map(len, operators.values()))):
        for name in names:
            if turn < len(operators[name]):
                yield operators[name][turn]
