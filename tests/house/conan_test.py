# SPDX-License-Identifier: BSL-1.0
"""The Conan recipe makes a package that a program can be built with.

Skipped without Conan. Asio and Boost are the system's, so that nothing is downloaded.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = 77  # as Meson understands it
SYSTEM_PACKAGES = "\n[platform_requires]\nasio/1.22.1\nboost/1.81.0\n"


def create(conan, directory):
    """Packages a copy of the sources, in a Conan home of its own."""
    sources = Path(directory) / "socoro"
    for part in ["include", "test_package"]:
        shutil.copytree(ROOT / part, sources / part, ignore=shutil.ignore_patterns("build*"))
    for part in ["LICENSE", "conanfile.py"]:
        shutil.copy(ROOT / part, sources)
    environment = {**os.environ, "CONAN_HOME": f"{directory}/home"}
    subprocess.run([conan, "profile", "detect"], env=environment, check=True)
    profile = Path(directory) / "home/profiles/default"
    profile.write_text(profile.read_text() + SYSTEM_PACKAGES)
    options = ["--no-remote", "-s:a", "compiler.cppstd=20", "-s:a", "build_type=Debug"]
    return subprocess.run([conan, "create", sources, *options], env=environment, check=False).returncode


def main():
    conan = shutil.which("conan")
    if not conan:
        print("conan is not installed")
        return SKIPPED
    with tempfile.TemporaryDirectory() as directory:
        return create(conan, directory)


if __name__ == "__main__":
    sys.exit(main())
