"""Texts of 27 different characters, and samples of them."""

import re

from support.command_line import fail

import numpy as np

ALPHABET = " abcdefghijklmnopqrstuvwxyz"


def read_text(path):
    """Return the text of a file, or of Python's own help if path is None. Ends the process if it cannot be read."""
    if path is None:
        try:
            from pydoc_data.topics import topics
        except ImportError:
            fail("this Python has no help texts; use --corpus FILE")
        return " ".join(topics.values())
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    # Project Gutenberg puts a text of its own before and after a book.
    book = re.search(r"\*\*\* ?START OF .*?\*\*\*(.*)\*\*\* ?END OF ", text, re.DOTALL)
    return book[1] if book else text


def simplify(text):
    """Return a text as the indices of its characters in `ALPHABET`. All between two words becomes one space."""
    letters = re.sub("[^a-z]+", " ", text.lower())
    return np.maximum(np.frombuffer(letters.encode(), np.uint8).astype(int) - ord("a") + 1, 0)


def tenths(text, first, last):
    """Return a part of a text (n,), from one tenth to another, such as 0 and 9 for the first nine tenths."""
    return text[len(text) * first // 10:len(text) * last // 10]


def random_samples(text, count, length, spacing=1):
    """Return samples of `length` characters from different random positions of a text (n,): int (count, length).

    spacing: positions are multiples of it; with `length`, samples do not overlap. A short text has fewer samples.
    """
    positions = np.arange(0, len(text) - length + 1, spacing)
    return text[np.random.default_rng().permutation(positions)[:count, None] + np.arange(length)]


def one_hot(characters):
    """Return characters (int, any shape) as one-hot vectors, float32 (..., 27)."""
    return np.eye(len(ALPHABET), dtype=np.float32)[characters]
