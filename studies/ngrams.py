"""N-gram counts: which character follows the last few ones, with back-off or interpolated."""

import collections

from studies.corpus import ALPHABET

import numpy as np


class NGrams:
    """Counts of the characters that follow each context of up to `longest` characters in samples (n, length)."""

    def __init__(self, samples, longest):
        self.counts = [collections.defaultdict(lambda: np.zeros(len(ALPHABET), int)) for _ in range(longest + 1)]
        for characters in map(bytes, np.uint8(samples)):
            for position, character in enumerate(characters):
                for length in range(min(position, longest) + 1):
                    self.counts[length][characters[position - length:position]][character] += 1

    def occurring(self, characters, longest):
        """Yield the counts (27,) after the last 0, 1, ... `longest` characters, as far as these occur together."""
        for length in range(longest + 1):
            context = characters[len(characters) - length:]
            if context not in self.counts[length]:
                return
            yield self.counts[length][context]

    def backed_off(self, characters, longest):
        """Return the relative frequencies (27,) of the next character after the longest context that occurs."""
        *_, counts = self.occurring(characters, longest)
        return counts / counts.sum()

    def interpolated(self, characters, longest):
        """Return the probabilities (27,) of the next character, interpolated over all contexts (Witten and Bell, 1991).

        The more different characters follow a context, the more weight has the shorter one.
        """
        probabilities = np.full(len(ALPHABET), 1 / len(ALPHABET))
        for counts in self.occurring(characters, longest):
            different = np.count_nonzero(counts)
            probabilities = (counts + different * probabilities) / (counts.sum() + different)
        return probabilities
