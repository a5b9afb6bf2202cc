"""Records the first datagrams of a DTLS handshake between two programs of OpenSSL, with a cookie.

    python3 record.py PREFIX [OPTION OF s_client]...

writes PREFIX-1-client.bin and so on, in the order in which they came: one file for each datagram down
to the server's ServerHello.
"""

import pathlib
import selectors
import socket
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
prefix, options = sys.argv[1], sys.argv[2:]


def udp():
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind(("127.0.0.1", 0))
    bound.settimeout(5)
    return bound


with tempfile.TemporaryDirectory() as folder:
    key, cert = f"{folder}/key.pem", f"{folder}/cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert,
                    "-subj", "/CN=currency.dc1"], check=True, capture_output=True)
    front, back, free = udp(), udp(), udp()
    port = free.getsockname()[1]
    free.close()
    quiet = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    server = subprocess.Popen(["openssl", "s_server", "-dtls", "-listen", "-accept", str(port),
                               "-key", key, "-cert", cert], **quiet)
    while b"ACCEPT" not in server.stdout.readline():
        pass
    client = subprocess.Popen(["openssl", "s_client", "-dtls", "-connect",
                               f"127.0.0.1:{front.getsockname()[1]}",
                               "-servername", "currency.dc1", *options], **quiet)
    datagrams, dialler = [], None
    front.setblocking(False)
    back.setblocking(False)
    ready = selectors.DefaultSelector()
    ready.register(front, selectors.EVENT_READ)
    ready.register(back, selectors.EVENT_READ)
    while not any(side == "server" and data[13] == 2 for side, data in datagrams):
        for event, _ in ready.select(5):
            if event.fileobj is front:
                data, dialler = front.recvfrom(65536)
                datagrams.append(("client", data))
                back.sendto(data, ("127.0.0.1", port))
            else:
                data = back.recv(65536)
                datagrams.append(("server", data))
                front.sendto(data, dialler)
    for program in (client, server):
        program.kill()
        program.wait()
for number, (side, data) in enumerate(datagrams, 1):
    (HERE / f"{prefix}-{number}-{side}.bin").write_bytes(data)
    print(number, side, len(data), data[:26].hex())
