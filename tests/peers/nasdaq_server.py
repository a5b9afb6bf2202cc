"""Serves a feed with nasdaq-protocols: nasdaq_server.py FILE FIRST SESSION

Every login is accepted with number FIRST, whatever it asked for, and gets the messages of a
BinaryFILE from there on, then the end of the session.
"""

import asyncio
import sys

from nasdaq_protocols import soup

# The messages that go out before others get their turn.
AT_ONCE = 20


def messages(path):
    with open(path, "rb") as file:
        while length := int.from_bytes(file.read(2), "big"):
            yield file.read(length)


class Line(soup.SoupServerSession, session_type="server"):
    async def on_login(self, msg):
        print("login", msg.user, msg.session or "-", msg.sequence, file=sys.stderr, flush=True)
        self.feeding = asyncio.create_task(self.feed())
        return soup.LoginAccepted(SESSION, FIRST)

    async def on_unsequenced(self, msg):
        print("unsequenced", msg.data, file=sys.stderr, flush=True)

    async def feed(self):
        for at, message in enumerate(MESSAGES[FIRST - 1 :]):
            if at % AT_ONCE == 0:
                await asyncio.sleep(0.005)
            self.send_seq_msg(message)
        self.end_session()


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Line, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"ready feed=127.0.0.1:{port}", file=sys.stderr, flush=True)
    await server.serve_forever()


MESSAGES = list(messages(sys.argv[1]))
FIRST = int(sys.argv[2])
SESSION = sys.argv[3]
asyncio.run(main())
