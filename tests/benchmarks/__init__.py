"""Benchmarks: `pytest tests/benchmarks` measures every number of the README's tables, with the baseline beside ours.

A plain `pytest` leaves them out. What counts are ratios within one run: the machine is whatever it is.
"""
