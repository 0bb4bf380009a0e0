"""Benchmarks: `pytest tests/benchmarks` measures the tables in README.md, with the original's algorithms beside ours.

A plain `pytest` leaves them out. Compare ratios within one run, not absolute numbers.
"""
