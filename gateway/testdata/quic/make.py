"""Writes the packets of RFC 9001 §A.2, §A.3 and RFC 9369 §A.2, §A.3 by the steps that those give.

It shares nothing with the code under test, and checks each against what the standard prints of it.
Needs the package `cryptography`.
"""

import hmac
import pathlib

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

DESTINATION = bytes.fromhex("8394c8f03e515708")
CLIENT = bytes.fromhex(
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868"
    "04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578"
    "616d706c652e636f6dff01000100000a00080006001d00170018001000070005"
    "04616c706e000500050100000000003300260024001d00209370b2c9caa47fba"
    "baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400"
    "0d0010000e0403050306030203080408050806002d00020101001c0002400100"
    "3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000"
    "75300901100f088394c8f03e51570806048000ffff"
).ljust(1162, b"\0")
SERVER = bytes.fromhex(
    "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf739"
    "88cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c94"
    "0d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00"
    "020304"
)
SALTS = {
    "v1": "38762cf7f55934b34d179ae6a4c80cadccbb7f0a",
    "v2": "0dede3def700a6db819381be6e269dcbf9bd2ed9",
}
# Name, side, header, number, payload, what the packet begins with, what it ends with.
PACKETS = [
    ("v1-client", "client in", "c300000001088394c8f03e5157080000449e00000002", 2, CLIENT,
     "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
     "e221af44860018ab0856972e194cd934"),
    ("v1-server", "server in", "c1000000010008f067a5502a4262b50040750001", 1, SERVER,
     "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a",
     "2158407dd074ee"),
    ("v2-client", "client in", "d36b3343cf088394c8f03e5157080000449e00000002", 2, CLIENT,
     "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
     "a18b2faa745b6fe189cf772a9f84cbfc"),
    ("v2-server", "server in", "d16b3343cf0008f067a5502a4262b50040750001", 1, SERVER,
     "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698",
     "4bed8521e2e140"),
]


def expand(secret, label, length):
    label = b"tls13 " + label.encode()
    info = length.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0\1"
    return hmac.digest(secret, info, "sha256")[:length]


for name, side, header, number, payload, begins, ends in PACKETS:
    version, labels = name[:2], "quic" if name.startswith("v1") else "quicv2"
    secret = hmac.digest(bytes.fromhex(SALTS[version]), DESTINATION, "sha256")
    secret = expand(secret, side, 32)
    key, iv, mask_key = (
        expand(secret, f"{labels} {what}", length)
        for what, length in [("key", 16), ("iv", 12), ("hp", 16)]
    )
    header = bytearray.fromhex(header)
    nonce = (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")
    sealed = AESGCM(key).encrypt(nonce, payload, bytes(header))
    number_len = (header[0] & 3) + 1
    sample = sealed[4 - number_len:][:16]
    mask = Cipher(algorithms.AES(mask_key), modes.ECB()).encryptor().update(sample)
    header[0] ^= mask[0] & 0x0F
    for at in range(number_len):
        header[at - number_len] ^= mask[at + 1]
    packet = bytes(header) + sealed
    assert packet.hex().startswith(begins) and packet.hex().endswith(ends), name
    pathlib.Path(__file__).with_name(f"{name}.bin").write_bytes(packet)
