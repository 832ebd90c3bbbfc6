"""PixelCraft's whole plan in vectorised numpy: the model of `plimsoll simulate`, written out by hand for this one policy.

    sim_numpy.py [YEARS] [ROUNDS]

One line of JSON a round. Poisson incidents, uniform instants, PERT times, the loss window of the nightly copies and of the
managed log, the runbooks' critical paths, money, and the same figures at the end: quantiles of downtime, loss window and
annual loss, tail mean, shares within the objectives, the loss exceedance curve, each with its Monte Carlo error. Incidents of
one year hang together, so that the errors of means and shares are those of sums by year, as there.
"""

import json
import sys
import time

import numpy as np

MINUTE, HOUR, DAY = 60_000.0, 3_600_000.0, 86_400_000.0
PERIOD = 28 * DAY
BLOCK = 250_000
DOWN, DATA = 2_000.0, 5_000.0
RPO, RTO = HOUR, 2 * HOUR


def pert(rng, n, low, mode, high):
    at = (mode - low) / (high - low)
    return (low + (high - low) * rng.beta(1 + 4 * at, 5 - 4 * at, n)) * MINUTE


def nightly(at):
    """From the newest dump that was whole at `at`: begun at 03:00, there 40 minutes later."""
    return np.mod(at - 3 * HOUR - 40 * MINUTE, DAY) + 40 * MINUTE


def corruption(rng, n, at):
    noticed = pert(rng, n, 1, 5, 20)
    found = np.maximum(pert(rng, n, 5, 10, 20), 10 * MINUTE)
    down = noticed + found + 45 * MINUTE + 5 * MINUTE + pert(rng, n, 5, 10, 20)
    return down, np.maximum(MINUTE - noticed, 0.0)


def server(rng, n, at):
    return 5 * MINUTE + 2 * MINUTE + pert(rng, n, 5, 10, 20), None


def uploads(rng, n, at):
    return pert(rng, n, 1, 5, 20) + 80 * MINUTE, nightly(at)


def infrastructure(rng, n, at):
    provisioned = pert(rng, n, 15, 20, 30)
    ready = np.maximum(provisioned + 45 * MINUTE, provisioned + 10 * MINUTE)
    return 5 * MINUTE + ready + pert(rng, n, 1, 5, 15) + 15 * MINUTE, nightly(at)


SCENARIOS = [(0.5, corruption), (6.0, server), (0.1, uploads), (0.02, infrastructure)]


def figures(values):
    """Mean, quantiles with half the distance of those one standard error of the share away, and greatest."""
    shares = np.array([0.5, 0.9, 0.95, 0.99])
    away = np.sqrt(shares * (1 - shares) / len(values))
    at = np.quantile(values, np.clip(np.concatenate([shares, shares - away, shares + away]), 0, 1))
    return float(values.mean()), at[:4], (at[8:] - at[4:8]) / 2, float(values.max())


class Ratio:
    """A mean or share over incidents, with the error of a ratio of sums by year."""

    def __init__(self):
        self.sums = np.zeros(5)

    def add(self, hits, of):
        self.sums += hits.sum(), of.sum(), hits @ hits, of @ of, hits @ of

    def said(self):
        hits, of, hits_squared, of_squared, product = self.sums
        ratio = hits / of
        return ratio, float(np.sqrt(max(hits_squared - 2 * ratio * product + ratio**2 * of_squared, 0)) / of)


def simulate(seed, years):
    rng = np.random.default_rng(seed)
    downs, losses, sums, incidents = [[] for _ in SCENARIOS], [[] for _ in SCENARIOS], [], 0
    own = [[] for _ in SCENARIOS]
    ratios = [[Ratio() for _ in range(4)] for _ in SCENARIOS]
    for first in range(0, years, BLOCK):
        block = min(BLOCK, years - first)
        annual = np.zeros(block)
        for index, (rate, play) in enumerate(SCENARIOS):
            counts = rng.poisson(rate, block)
            n = int(counts.sum())
            incidents += n
            year = np.repeat(np.arange(block), counts)
            down, loss = play(rng, n, rng.random(n) * PERIOD)
            money = down / HOUR * DOWN
            ratios[index][0].add(np.bincount(year, down, block), counts.astype(float))
            ratios[index][1].add(np.bincount(year, down <= RTO, block), counts.astype(float))
            if loss is not None:
                money = money + loss / HOUR * DATA
                losses[index].append(loss)
                ratios[index][2].add(np.bincount(year, loss, block), counts.astype(float))
                ratios[index][3].add(np.bincount(year, loss <= RPO, block), counts.astype(float))
            downs[index].append(down)
            by_year = np.bincount(year, money, block)
            own[index].append((by_year.sum(), by_year @ by_year))
            annual += by_year
        sums.append(annual)
    annual = np.concatenate(sums)
    said = {}
    for index in range(len(SCENARIOS)):
        said[index] = [figures(np.concatenate(downs[index])), np.sum(own[index], axis=0)]
        said[index] += [ratio.said() for ratio in ratios[index] if ratio.sums[1] > 0]
        if losses[index]:
            said[index].append(figures(np.concatenate(losses[index])))
    rising = np.sort(annual)
    tail = rising[-max(1, years // 20):]
    points = np.geomspace(max(rising[rising > 0][0], 1), rising[-1], 60)
    above = 1 - np.searchsorted(rising, points, side="right") / years
    said["annual"] = [figures(annual), float(tail.mean()), float(tail.std()), above, np.sqrt(above * (1 - above) / years)]
    return incidents, annual, said


def main():
    years = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    for seed in range(int(sys.argv[2]) if len(sys.argv) > 2 else 3):
        began = time.perf_counter()
        incidents, annual, _ = simulate(seed, years)
        seconds = time.perf_counter() - began
        error = float(annual.std() / np.sqrt(years))
        line = {"years": years, "incidents": incidents, "seconds": round(seconds, 4), "threads": 1,
                "expected": round(float(annual.mean()), 2), "standard_error": round(error, 2)}
        print(json.dumps(line), flush=True)


main()
