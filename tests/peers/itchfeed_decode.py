"""Decodes a BinaryFILE with itchfeed: itchfeed_decode.py FILE

Says on stdout one JSON object per message: its type, what it has in each field, and whether itchfeed
writes the bytes that it read.
"""

import json
import sys

from itch.parser import MessageParser


def plain(value):
    return value.decode("ascii") if isinstance(value, bytes) else value


def main():
    data = open(sys.argv[1], "rb").read()
    at = 0
    for message in MessageParser().parse_stream(data):
        length = data[at + 1]
        is_same = message.to_bytes() == data[at + 2 : at + 2 + length]
        at += 2 + length
        found = {name: plain(value) for name, value in vars(message).items()}
        found |= {"type": plain(message.message_type), "same": is_same}
        print(json.dumps(found))
    if at != len(data):
        sys.exit(f"it stopped at byte {at} of {len(data)}")


main()
