"""Gradients by finite differences, for the tests of what computes them."""

import numpy as np


def finite_differences(function, array, step=1e-6):
    """Return the gradient of a function of no arguments with respect to an array that it uses (central differences)."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        value = array[index]
        array[index] = value + step
        above = function()
        array[index] = value - step
        gradient[index] = (above - function()) / (2 * step)
        array[index] = value
    return gradient
