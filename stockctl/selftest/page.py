"""The report of a self-test as one HTML page."""

from __future__ import annotations

from html import escape

from stockctl.selftest.results import Result, SelfTest

_STYLE = """
body { font-family: system-ui, sans-serif; color: #1f2933; max-width: 880px; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin: 1.5rem 0 }
th, td { text-align: left; padding: .3rem .8rem; border-bottom: 1px solid #e4e7eb }
.figure { text-align: right; font-variant-numeric: tabular-nums }
.passed { color: #2f855a } .failed { color: #c53030; font-weight: 600 } footer { color: #7b8794 }
"""


def page(run: SelfTest) -> str:
    """The page."""
    checks = "\n".join(_check(result) for result in run.results if result.value is None)
    figures = "\n".join(_figure(result) for result in run.results if result.value is not None)
    verdict = "passed" if run.has_passed else "failed"
    heading = run.heading()
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>stockctl self-test: {verdict}</title>
<style>{_STYLE}</style>
<h1>Self-test: <span class="{verdict}">{verdict}</span></h1>
<p>{escape(run.place)}</p>
<table><tr><th>check<th>result<th>found</tr>
{checks}
</table>
<table><tr><th>measurement<th class="figure">value<th>unit</tr>
{figures}
</table>
<footer>Began {heading["at"]}, took {heading["seconds"]} s, stack {escape(run.stack)}.
Repeat it with <code>stockctl selftest</code>.</footer>
</html>
"""


def _check(result: Result) -> str:
    state = {True: "passed", False: "failed", None: "not allowed"}[result.is_ok]
    return f'<tr><td>{escape(result.what)}<td class="{state}">{state}<td>{escape(result.found)}</tr>'


def _figure(result: Result) -> str:
    return f'<tr><td>{escape(result.what)}<td class="figure">{result.value:,g}<td>{escape(result.unit)}</tr>'
