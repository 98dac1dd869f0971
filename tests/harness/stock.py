"""Debian's own configuration files, from which the tutorials start."""

import pytest


def stock_config(name):
    """The text of /etc/redis/`name`; skips the test where this user may not read it."""
    path = f"/etc/redis/{name}"
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        pytest.skip(f"{path} cannot be read by this user")
