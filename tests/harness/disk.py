"""Disks that are small, for those that fill up."""

import os
import subprocess

import pytest


def mount(place, size):
    """A tmpfs of so many bytes; needs root and the right to mount, else the test is skipped."""
    place.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)],
                                           capture_output=True, check=False).returncode != 0:
        pytest.skip("may not mount a tmpfs here")
    return place


def unmount(place):
    subprocess.run(["umount", "-l", str(place)], check=False)


def fill_up(place):
    """Until not one byte has room: place/filler, whose removal gives it back."""
    with open(place / "filler", "wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            try:
                while file.write(b"f" * size) == size:
                    pass
            except OSError:
                pass
