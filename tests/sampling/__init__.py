"""A random sample of single edits of the code, each judged by the fast tests that run the edited line.

`python -m tests.sampling --mutants 300 --seed 12` prints the rate of edits that a test notices. mutmut and cosmic-ray
start a test run per edit, which takes 5 s here before the first test (boto3, moto); this forks a process that has
loaded them, and picks the tests by line. The hand-written mutants of the operations are in `tests/faults/mutations.py`.
"""
