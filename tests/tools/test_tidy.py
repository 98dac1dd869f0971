"""tools/tidy as its users meet it: a tree on disk, an exit status, and messages."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run_tidy(tree, *arguments):
    return subprocess.run([sys.executable, str(ROOT / "tools" / "tidy"), "--root", str(tree), *arguments],
                          capture_output=True, text=True, check=False)


def write(tree, path, text):
    file = tree / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_the_project_itself_is_clean():
    result = run_tidy(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("path, include", [
    ("src/ds/a.cc", "base/result.h"),
    ("src/ds/a.cc", "ds/b.h"),
    ("src/base/a.cc", "base/ports/clock.h"),
    ("src/apps/a.cc", "replication/b.h"),
    ("sim/a.cc", "engine/b.h"),
    ("tests/a.cc", "sim/b.h"),
])
def test_downward_and_own_includes_pass(tmp_path, path, include):
    write(tmp_path, path, f'#include "{include}"\n#include <vector>\n')
    result = run_tidy(tmp_path)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("path, include, reason", [
    ("src/base/a.h", "ds/b.h", "goes up, from floor 0 to floor 1"),
    ("src/ds/a.cc", "wire/b.h", "goes sideways, ds and wire are siblings on floor 1"),
    ("src/engine/a_test.cc", "runtime/b.h", "goes up, from floor"),
    ("src/ds/a.cc", "b.h", "write the path from src/"),
    ("src/ds/a.cc", "ds/../wire/b.h", "without .."),
    ("src/ds/a.cc", "sim/b.h", "nothing in src/ may include sim/"),
    ("src/ds/a.cc", "cellar/b.h", "cellar/ has no floor"),
])
def test_other_includes_fail_with_place_and_reason(tmp_path, path, include, reason):
    write(tmp_path, path, f'// first line\n#include "{include}"\n')
    result = run_tidy(tmp_path)
    assert result.returncode == 1
    assert f'{path}:2: #include "{include}": ' in result.stdout
    assert reason in result.stdout
    assert "tidy: 1 errors" in result.stdout


def test_a_folder_without_a_floor_fails(tmp_path):
    write(tmp_path, "src/cellar/a.cc", "\n")
    result = run_tidy(tmp_path)
    assert result.returncode == 1
    assert "the folder src/cellar has no floor" in result.stdout


def test_long_files_and_functions_are_reported_but_pass(tmp_path):
    body = "  step();\n" * 70
    write(tmp_path, "src/ds/long.cc", "namespace vigil {\nvoid longOne(int a) {\n" + body + "}\nvoid shortOne() {\n}\n}\n")
    write(tmp_path, "src/ds/inline.h", "class A {\n public:\n  void inClass() {\n" + "  " + body.replace("\n", "\n  ")
          + "}\n};\nconstexpr int kTable[] = {\n" + "    1,\n" * 80 + "};\nint after() {\n  return 1;\n}\n")
    write(tmp_path, "src/ds/big.h", "// a line\n" * 401)
    result = run_tidy(tmp_path)
    assert result.returncode == 0
    assert "src/ds/long.cc:2: 72 lines: void longOne(int a)" in result.stdout
    assert "src/ds/inline.h:3: 72 lines: void inClass()" in result.stdout
    assert "src/ds/big.h: 401 lines" in result.stdout
    assert "shortOne" not in result.stdout and "after" not in result.stdout and "kTable" not in result.stdout
