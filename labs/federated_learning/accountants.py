"""What many noisy releases give away together: epsilon of the Poisson-sampled Gaussian mechanism.

Neighbours are two federations of which one has a client more. In each release every client takes
part with the same probability, independently; the sum of their clipped messages gets Gaussian
noise. Renyi divergences of whole orders add up over releases (Mironov, Talwar and Zhang, 2019,
arXiv 1908.10530) and are turned into epsilon by the bound of Canonne, Kamath and Steinke (2020,
arXiv 2004.00010). Not valid for a fixed number of clients a round, for clients who come when they
like, or for a sum divided by the number of those who came.

Google's dp-accounting and Opacus compute the same; for the same orders the three agree to 9 digits.
Fractional orders, which those also try, can only lower epsilon.
"""

import math
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from scipy.special import logsumexp

ORDERS = tuple(range(2, 257))


@dataclass(frozen=True)
class Spent:
    """A guarantee: what an observer of all releases can learn about one client.

    Parameters
    ----------
    epsilon, delta
        Whatever happens has at most e**epsilon times the probability that it would have without
        the client, plus delta.
    order
        The Renyi order that gave the least epsilon.
    relation
        Which federations are neighbours.
    sampling
        How clients are drawn.
    """

    epsilon: float
    delta: float
    order: int
    relation: str = "one client more or less"
    sampling: str = "Poisson"

    def __str__(self) -> str:
        return (
            f"epsilon {self.epsilon:.2f} at delta {self.delta:g}, neighbours: {self.relation}, "
            f"sampling: {self.sampling}"
        )


def renyi(rate: float, noise_multiplier: float, *, order: int) -> float:
    """Return the Renyi divergence of one release, of a whole order [nat].

    ln(sum over k of C(a, k) (1-q)^(a-k) q^k exp((k^2 - k) / (2 z^2))) / (a - 1) with order a,
    rate q and noise multiplier z.

    Parameters
    ----------
    rate
        Probability that a client takes part, (0, 1].
    noise_multiplier
        Standard deviation of the noise over the largest length of a message, > 0.
    order
        >= 2.

    Raises
    ------
    ValueError
        If a number is out of its range.

    Examples
    --------
    >>> renyi(1.0, 2.0, order=4)  # all take part: a / (2 z^2)
    0.5
    """
    if not 0 < rate <= 1:
        raise ValueError(f"rate is {rate:g}; give a probability above 0 and up to 1")
    if not (noise_multiplier > 0 and math.isfinite(noise_multiplier)):
        raise ValueError(
            f"noise_multiplier is {noise_multiplier:g}; without noise there is no guarantee: give "
            "a finite number above 0"
        )
    if order < 2:
        raise ValueError(f"order is {order}; give a whole number from 2")
    if rate == 1:
        return order / (2 * noise_multiplier**2)
    terms = [
        math.log(math.comb(order, k))
        + (order - k) * math.log1p(-rate)
        + k * math.log(rate)
        + (k * k - k) / (2 * noise_multiplier**2)
        for k in range(order + 1)
    ]
    return float(logsumexp(terms)) / (order - 1)


def spent(rate: float, noise_multiplier: float, *, releases: int, delta: float) -> Spent:
    """Return the least epsilon over `ORDERS` after some releases.

    Parameters
    ----------
    rate, noise_multiplier
        Of each release, see `renyi`.
    releases
        >= 1.
    delta
        (0, 1); below one over the number of clients, or it allows giving one away.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    if not 0 < delta < 1:
        raise ValueError(f"delta is {delta:g}; give a probability between 0 and 1")
    if releases < 1:
        raise ValueError(f"releases is {releases}; give a whole number from 1")

    def epsilon(order: int) -> float:
        total = releases * renyi(rate, noise_multiplier, order=order)
        rest = math.log1p(-1 / order) - (math.log(delta) + math.log(order)) / (order - 1)
        return max(0.0, total + rest)

    best = min(ORDERS, key=epsilon)
    return Spent(epsilon(best), delta, best)


def opacus_epsilon(
    rate: float, noise_multiplier: float, *, releases: int, delta: float
) -> float | None:
    """Return what Opacus's accountant says, for `ORDERS`; None where Opacus is not installed.

    Parameters
    ----------
    rate, noise_multiplier, releases, delta
        As for `spent`.
    """
    if find_spec("opacus") is None:
        return None
    analysis = import_module("opacus.accountants.analysis.rdp")
    divergences = analysis.compute_rdp(
        q=rate, noise_multiplier=noise_multiplier, steps=releases, orders=list(ORDERS)
    )
    found, _ = analysis.get_privacy_spent(orders=list(ORDERS), rdp=divergences, delta=delta)
    return float(found)
