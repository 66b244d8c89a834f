"""What the test of half-open links runs in a network of its own: see `test_half_open`.

    python half_open.py            makes the network, and runs all loops in it
    python half_open.py serve      the server, on the far side of the cable
    python half_open.py LOOP       one loop, on this side of it

The cable is a pair of virtual interfaces. Pulling it is setting the far one down: from then on each
packet is dropped, and neither side is told.
"""

from __future__ import annotations

import subprocess
import sys
import time
from functools import partial
from typing import IO, Any

from rethinkdb import loops, r
from rethinkdb.embedded import Server
from rethinkdb.errors import ReqlError
from rethinkdb.loops.transport import sockets
from rethinkdb.net.cursor import BaseCursor
from rethinkdb.testing.conformance.drivers import DRIVERS
from rethinkdb.testing.conformance.timing import sockets_at

HERE, THERE = "10.98.76.1", "10.98.76.2"
PORT = 28015


def main() -> None:
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "name", "here", "type", "veth", "peer", "name", "there")
    far = subprocess.Popen(
        ["unshare", "--net", sys.executable, __file__, "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert far.stdin is not None
    try:
        hear(far.stdout, "ready")
        run("ip", "link", "set", "there", "netns", str(far.pid))
        run("ip", "address", "add", f"{HERE}/24", "dev", "here")
        run("ip", "link", "set", "here", "up")
        say(far.stdin, "connected")
        hear(far.stdout, "serving")
        clients = [
            subprocess.Popen([sys.executable, __file__, loop], stdout=subprocess.PIPE, text=True)
            for loop in DRIVERS
        ]
        for client in clients:
            hear(client.stdout, "waiting")
        say(far.stdin, "pull")
        for client in clients:
            assert client.stdout is not None
            print(client.stdout.read(), end="")
            client.wait()
    finally:
        far.kill()
        far.communicate()


def serve() -> None:
    print("ready", flush=True)
    hear(sys.stdin, "connected")
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", f"{THERE}/24", "dev", "there")
    run("ip", "link", "set", "there", "up")
    with Server(THERE, PORT):
        print("serving", flush=True)
        hear(sys.stdin, "pull")
        run("ip", "link", "set", "there", "down")
        sys.stdin.read()


def wait_for_a_change(loop: str) -> None:
    sockets.KEEPALIVE = sockets.KernelKeepalive(idle=1, interval=1, probes=2)
    driver = DRIVERS[loop]()
    connection_type = loops.load(loop)

    async def program() -> None:
        connecting = partial(connection_type.make, THERE, PORT, timeout=60, **driver.options())
        conn = await native(connecting())
        feed: BaseCursor = await native(r.db("rethinkdb").table("users").changes().run(conn))
        # The system sends what was not acknowledged again and again, and asks nothing meanwhile. It
        # gives up after a quarter of an hour. Some loops send in their next turn only.
        (sock,) = sockets_at(conn.client_port())
        await driver.sleep(0.05)
        while sockets.unacknowledged(sock):
            await driver.sleep(0.05)
        sock.close()
        print("waiting", flush=True)
        began = time.monotonic()
        try:
            await native(feed.next())
        except ReqlError as exc:
            cause = type(exc.__cause__).__name__
            print(f"{loop}: {type(exc).__name__} {cause} {time.monotonic() - began:.1f} s")
        await native(conn.close(noreply_wait=False))

    driver.run(program)


async def native(result: Any) -> Any:
    return await result if hasattr(result, "__await__") else result


def run(*command: str) -> None:
    subprocess.run(command, check=True)


def say(to: IO[str], word: str) -> None:
    print(word, file=to, flush=True)


def hear(whom: IO[str] | None, word: str) -> None:
    assert whom is not None
    line = whom.readline().strip()
    assert line == word, f"{line!r}, not {word!r}"


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            main()
        case ["serve"]:
            serve()
        case [loop]:
            wait_for_a_change(loop)
