# SPDX-License-Identifier: BSL-1.0
"""Every header compiles alone.

    headers_test.py COMPILER...
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include"
# Where tools/setup unpacks the headers that are not installed.
UNPACKED = ROOT / "tests/debian/usr/include"
FLAGS = ["-std=c++20", "-fsyntax-only", f"-I{INCLUDE}", "-isystem", str(UNPACKED),
         "-DASIO_HAS_CO_AWAIT=1", "-DASIO_HAS_STD_COROUTINE=1"]


def errors_of(command, header):
    """What the compiler says about a translation unit with nothing but this include."""
    source = f"#include <{header.relative_to(INCLUDE).as_posix()}>\n"
    run = subprocess.run(
        [*command, *FLAGS, "-x", "c++", "-"], input=source, capture_output=True, text=True, check=False)
    return run.stderr if run.returncode else ""


def main(command):
    headers = sorted(INCLUDE.rglob("*.hpp"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda header: errors_of(command, header), headers))
    failed = [errors for errors in found if errors]
    print("\n".join(failed))
    print(f"{len(headers) - len(failed)} of {len(headers)} headers compile alone")
    return 1 if failed or not headers else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
