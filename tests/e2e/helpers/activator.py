# SPDX-License-Identifier: BSL-1.0
"""Starts servers on a socket that it has opened, as systemd does (sd_listen_fds(3)).

    activator.py PROGRAM [ARGUMENT...]

It prints `port N`, and for each line `start` that it reads `started PID`; `exited PID CODE` when one has ended. What
the programs print goes to the same output.
"""

import os
import socket
import subprocess
import sys
import threading

FIRST_DESCRIPTOR = 3

listening = socket.create_server(("127.0.0.1", 0), backlog=512)


def become_descriptor():
    if listening.fileno() == FIRST_DESCRIPTOR:
        os.set_inheritable(FIRST_DESCRIPTOR, True)
    else:
        os.dup2(listening.fileno(), FIRST_DESCRIPTOR)


def say(text):
    # In one write: others write to the same output.
    os.write(1, f"{text}\n".encode())


def start():
    # The shell becomes the program, with the process id that it has told it.
    command = ["sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"', *sys.argv[1:]]
    program = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, close_fds=False, preexec_fn=become_descriptor
    )
    say(f"started {program.pid}")
    threading.Thread(target=lambda: say(f"exited {program.pid} {program.wait()}")).start()


say(f"port {listening.getsockname()[1]}")
for line in sys.stdin:
    if line.strip() == "start":
        start()
