"""subjects: which pairs of a Flax and a JAX the words of a command line mean."""

import pytest

from conformance.matrix.subjects import PYTHONS, MatrixError, Wanted, wanted

OLDEST, NEWEST = Wanted("0.10.0", "0.4.34"), Wanted("0.12.12", "0.12.0.1")


def test_no_words_are_every_release_with_the_jax_of_its_day() -> None:
    """Every release of the table that was not withdrawn, oldest first."""
    everything = wanted([], [])

    assert (everything[0], everything[-1]) == (OLDEST, NEWEST)
    assert "0.12.11" not in {subject.flax for subject in everything}
    assert len(everything) >= 23


@pytest.mark.parametrize(
    ("releases", "jax", "expected"),
    [
        (["0.10.0"], [], [OLDEST]),
        (["0.12.12", "0.10.0"], [], [OLDEST, NEWEST]),
        (["0.10.0", "<0.10.1"], [], [OLDEST]),
        (["0.10.0"], ["newest"], [Wanted("0.10.0", "0.8.1")]),
        (["0.10.0"], ["plain"], [Wanted("0.10.0")]),
        (["0.10.0"], ["0.5.0", "of-its-day"], [Wanted("0.10.0", "0.5.0"), OLDEST]),
        (["0.12.12"], ["of-its-day", "newest"], [NEWEST]),
        (["prerelease"], [], [Wanted("", prerelease=True)]),
        (["prerelease", "0.10.0"], [], [OLDEST, Wanted("", prerelease=True)]),
    ],
)
def test_words(releases: list[str], jax: list[str], expected: list[Wanted]) -> None:
    """Versions and specifiers choose releases; versions and words choose the JAX of each."""
    assert wanted(releases, jax) == expected


@pytest.mark.parametrize(
    ("releases", "jax", "message"),
    [
        (["0.9.0"], [], "no release of conformance/releases.toml is '0.9.0'"),
        (["0.12.11"], [], "no release of conformance/releases.toml is '0.12.11'"),
        ([">=1"], [], "no release of conformance/releases.toml is '>=1'"),
        (["latest"], [], "'latest' is neither a Flax release, a specifier nor 'prerelease'"),
        (
            ["0.10.0"],
            ["oldest"],
            "--jax 'oldest': neither a version nor one of of-its-day, newest, plain",
        ),
    ],
)
def test_words_that_mean_nothing(releases: list[str], jax: list[str], message: str) -> None:
    """They are refused in one line that repeats the word."""
    with pytest.raises(MatrixError) as refused:
        wanted(releases, jax)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("subject", "name", "requirements"),
    [
        (OLDEST, "flax-0.10.0-jax-0.4.34", ("flax==0.10.0", "jax==0.4.34", "jaxlib==0.4.34")),
        (Wanted("0.10.0"), "flax-0.10.0-jax-plain", ("flax==0.10.0", "jax")),
        (Wanted("", prerelease=True), "flax-newest-jax-prerelease", ("flax", "jax")),
        (
            Wanted("0.10.0", python="3.12"),
            "flax-0.10.0-jax-plain-python-3.12",
            ("flax==0.10.0", "jax"),
        ),
    ],
)
def test_what_is_asked_of_the_index(
    subject: Wanted, name: str, requirements: tuple[str, ...]
) -> None:
    """A version is pinned, for jaxlib too; where none is named, the index chooses."""
    assert (subject.name, subject.requirements) == (name, requirements)


@pytest.mark.parametrize(
    ("subject", "pythons"),
    [
        (OLDEST, PYTHONS),
        (Wanted("0.10.0"), PYTHONS[::-1]),
        (Wanted("", prerelease=True), PYTHONS[::-1]),
        (Wanted("0.10.0", python="3.12"), ("3.12",)),
    ],
)
def test_pythons(subject: Wanted, pythons: tuple[str, ...]) -> None:
    """A pinned JAX gets the oldest Python that will do, an open one the newest; or one's own."""
    assert subject.pythons == pythons
