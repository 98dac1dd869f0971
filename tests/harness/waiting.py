"""Waiting for a condition, with a bound. Nothing in the tests sleeps and hopes."""

import os
import time

# Generous: the bound only decides how long a failing test takes, and machines may be slow and shared.
PATIENCE = float(os.environ.get("VIGIL_PATIENCE", "60"))


def wait_until(what, condition, timeout=PATIENCE, interval=0.02):
    """Calls condition until it returns something true, and returns that. A raised exception counts as "not yet"; the last
    one is told when the time is up."""
    deadline = time.monotonic() + timeout
    problem = None
    while True:
        try:
            value = condition()
            problem = f"last value: {value!r}"
            if value:
                return value
        except Exception as exception:  # pylint: disable=broad-except
            problem = f"last exception: {exception!r}"
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout:g} s; {problem}")
        time.sleep(interval)
