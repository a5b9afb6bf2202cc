#!/usr/bin/env python3
"""Records what a TLS client sends first, before anything answers it.

    record.py OUT.bin [--containing TEXT] -- COMMAND [ARG...]

Listens on a free port of 127.0.0.1, runs COMMAND with {port} replaced in its arguments, and
writes to OUT.bin the bytes of the first connection that holds TEXT, up to its first pause. A
browser opens connections of its own too; --containing tells its hello for us from those.
"""

import argparse
import socket
import subprocess
import sys
import time

PAUSE_S = 0.5  # Nothing answers the client, so a pause means that its first flight is whole.
GIVE_UP_S = 30.0


def first_flight(connection):
    """Reads until the client pauses or closes."""
    connection.settimeout(PAUSE_S)
    flight = b""
    try:
        while part := connection.recv(65536):
            flight += part
    except (TimeoutError, ConnectionResetError):
        pass
    return flight


def record(listener, containing):
    deadline = time.monotonic() + GIVE_UP_S
    while (left := deadline - time.monotonic()) > 0:
        listener.settimeout(left)
        connection, _ = listener.accept()
        with connection:
            flight = first_flight(connection)
        if flight and containing in flight:
            return flight
    raise TimeoutError


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("out")
    arguments.add_argument("--containing", default="")
    arguments.add_argument("command", nargs="+")
    options = arguments.parse_args()

    listener = socket.create_server(("127.0.0.1", 0))
    port = str(listener.getsockname()[1])
    command = [part.replace("{port}", port) for part in options.command]
    client = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        flight = record(listener, options.containing.encode())
    finally:
        client.terminate()
        client.wait(10)
    with open(options.out, "wb") as out:
        out.write(flight)
    print(f"{options.out}: {len(flight)} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
