# SPDX-License-Identifier: BSL-1.0
"""Compiles the programs of this folder, each of which must fail with the message of its second
line as the first error, but for fine.cpp. Usage: check.py COMPILER [OPTION...]"""

import pathlib
import subprocess
import sys

here = pathlib.Path(__file__).parent
programs = sorted(here.glob("*.cpp"))


def together():
    """All programs as one, each in a namespace of its own: the headers are compiled once."""
    includes, bodies = set(), []
    for program in programs:
        lines = program.read_text().splitlines()
        includes.update(line for line in lines if line.startswith("#include"))
        body = "\n".join("" if line.startswith("#include") else line for line in lines)
        bodies.append(f'namespace {program.stem} {{\n#line 1 "{program.name}"\n{body}\n}}\n')
    return "\n".join(sorted(includes)) + "\n" + "".join(bodies)


def errors_of(output, context_follows):
    """The errors of each program in order. GCC says before an error where it comes from; clang
    says it behind, unless the error before came from the same place."""
    errors, owner = [], None
    for line in output.splitlines():
        mentioned = next((p.name for p in programs if line.startswith(p.name + ":")), None)
        owner = mentioned or owner
        if "error:" in line:
            errors.append([owner, line])
        elif mentioned and context_follows and errors:
            errors[-1][0] = mentioned
    return {p.name: [text for name, text in errors if name == p.name] for p in programs}


def judge(program, errors):
    if program.stem == "fine":
        return f"does not compile: {errors[0]}" if errors else None
    expected = program.read_text().splitlines()[1].removeprefix("// ")
    if not errors:
        return "compiles"
    return None if expected in errors[0] else f"expected {expected!r}, got {errors[:3]}"


def main():
    compiler = sys.argv[1:]
    clang = any("clang" in part for part in compiler)
    limit = "-ferror-limit=0" if clang else "-fmax-errors=0"
    command = [*compiler, limit, "-std=c++20", "-fsyntax-only", "-x", "c++", "-"]
    run = subprocess.run(command, input=together(), capture_output=True, text=True)
    found = errors_of(run.stderr, clang)
    problems = {program.name: judge(program, found[program.name]) for program in programs}
    for name, problem in problems.items():
        if problem:
            print(f"{name} {problem}")
    print(f"{len(programs)} programs")
    return 1 if any(problems.values()) or len(programs) < 10 else 0


sys.exit(main())
