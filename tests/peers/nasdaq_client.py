"""Consumes a feed with nasdaq-protocols: nasdaq_client.py ADDRESS COUNT

Says on stderr what it was told, and after every thousand messages the SHA-256 of all of them so
far, each behind its length. Leaves after COUNT messages, or when it is cut: at the end of a session
this client calls nobody back.
"""

import asyncio
import hashlib
import sys

from nasdaq_protocols import soup


def say(*words):
    print(*words, file=sys.stderr, flush=True)


class Record:
    def __init__(self):
        self.count = 0
        self.hash = hashlib.sha256()
        self.done = asyncio.Event()

    async def on_message(self, message):
        if not isinstance(message, soup.SequencedData):
            say("unexpected", message)
            return
        self.count += 1
        self.hash.update(len(message.data).to_bytes(2, "big") + message.data)
        if self.count % 1000 == 0:
            self.say("received")
        if self.count == COUNT:
            self.done.set()

    async def on_close(self):
        self.done.set()

    def say(self, what):
        say(what, self.count, self.hash.hexdigest())


async def main():
    host, port = sys.argv[1].rsplit(":", 1)
    record = Record()
    session = await soup.connect_async(
        (host, int(port)),
        "user",
        "password",
        sequence=1,
        on_msg_coro=record.on_message,
        on_close_coro=record.on_close,
    )
    say("accepted", session.session_id.session, session.sequence + 1)
    await record.done.wait()
    record.say("left")
    if session.is_active():
        session.logout()


COUNT = int(sys.argv[2])
asyncio.run(main())
