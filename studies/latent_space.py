"""Measures of a latent space: how far its classes spread and how far apart they are, and what else its codes tell."""

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import NearestCentroid


def centroids_and_residuals(values, labels):
    """Return the mean of each class (classes, ...) of values (n, ...), and what is left of them without it (n, ...)."""
    classes, members = np.unique(labels, return_inverse=True)
    centroids = np.array([values[labels == label].mean(0) for label in classes])
    return centroids, values - centroids[members]


def variance_within(codes, labels):
    """Return the variance within each class, as a share of the total variance of codes (n, dimensions), in %."""
    _, residuals = centroids_and_residuals(codes, labels)
    within = np.array([(residuals[labels == label] ** 2).mean(0).sum() for label in np.unique(labels)])
    return 100 * within / codes.var(0).sum()


def distances(codes, labels):
    """Return the distances of class centroids of codes (n, dimensions), (classes, classes).

    The unit is the standard deviation within a class: the root of the mean variance within classes, summed over
    dimensions. It does not depend on the scale of the space, but on the scales of its dimensions.
    """
    centroids, residuals = centroids_and_residuals(codes, labels)
    return cdist(centroids, centroids) / np.sqrt((residuals**2).mean(0).sum())


def mahalanobis_distances(codes, labels):
    """Return the Mahalanobis distances of class centroids of codes (n, dimensions), (classes, classes).

    No invertible linear map of the codes changes them: they are in standard deviations within a class along the line
    from one centroid to the other, after the map that makes the variance within classes the same in each direction.
    """
    centroids, residuals = centroids_and_residuals(codes, labels)
    return cdist(centroids, centroids, "mahalanobis", VI=np.linalg.pinv(residuals.T @ residuals / len(codes)))


def pairs(matrix):
    """Return what stands above the diagonal of a matrix (n, n): the distances of all pairs, (n (n - 1) / 2,)."""
    return matrix[np.triu_indices(len(matrix), 1)]


def nearest_centroid_accuracy(codes, labels, queries, targets):
    """Return the accuracy of the nearest centroid of codes with labels, on `queries` with labels `targets`, in %."""
    return 100 * NearestCentroid().fit(codes, labels).score(queries, targets)


def explained_variance(codes, quantity, labels):
    """Return how much of the variance of a quantity within classes a linear function of the codes explains, in %.

    codes: (n, dimensions); quantity, labels: (n,).
    """
    (_, codes), (_, quantity) = (centroids_and_residuals(values, labels) for values in (codes, quantity))
    return 100 * LinearRegression().fit(codes, quantity).score(codes, quantity)


def slant(images):
    """Return the slant of images (n, 28, 28, 1): columns to the right per row up, (n,)."""
    y, x = np.mgrid[:28, :28].reshape(2, -1)
    weights = images.reshape(len(images), -1) / images.sum((1, 2, 3))[:, None]
    x, y = x - (weights @ x)[:, None], y - (weights @ y)[:, None]
    return -(weights * x * y).sum(1) / (weights * y**2).sum(1)
