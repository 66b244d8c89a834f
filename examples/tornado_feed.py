"""A web application on Tornado that pushes a changefeed to browsers over a websocket.

    reql serve &
    python examples/tornado_feed.py
    open http://localhost:8888

Every browser sees the messages that are there, and each new one as soon as anybody has sent it. The
database may be restarted meanwhile: the pool connects again, and so do the browsers.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from rethinkdb import r

r.set_loop_type("tornado")

TABLE = "messages"

log = logging.getLogger("messages")

PAGE = """<!doctype html>
<title>Messages</title>
<form><input autofocus> <button>Send</button></form>
<ul></ul>
<script>
function follow() {
  const list = document.querySelector("ul");
  const feed = new WebSocket(location.href.replace(/^http/, "ws") + "feed");
  feed.onopen = () => list.replaceChildren();  // the feed begins with all that is there
  feed.onmessage = ({data}) => {
    const item = document.createElement("li");
    item.textContent = JSON.parse(data).text;
    list.prepend(item);
  };
  feed.onclose = () => setTimeout(follow, 1000);
}
follow();
document.querySelector("form").onsubmit = (event) => {
  event.preventDefault();
  const input = document.querySelector("input");
  fetch("messages", {method: "POST", body: new URLSearchParams({text: input.value})});
  input.value = "";
};
</script>
"""


class Page(RequestHandler):
    """The page."""

    def get(self) -> None:
        self.write(PAGE)


class Messages(RequestHandler):
    """Takes a new message."""

    def initialize(self, pool: Any) -> None:
        self.pool = pool

    async def post(self) -> None:
        message = {"text": self.get_body_argument("text"), "at": r.now()}
        await r.table(TABLE).insert(message).run(self.pool)
        self.set_status(201)


class Feed(WebSocketHandler):
    """Sends messages to one browser until it goes."""

    feed: Any = None
    gone = False

    def initialize(self, pool: Any) -> None:
        self.pool = pool

    def open(self, *args: str, **kwargs: str) -> None:
        # Not awaited here: until this returns, Tornado does not read that the browser goes.
        IOLoop.current().add_callback(self.follow)

    async def follow(self) -> None:
        try:
            await self.send_messages()
        except WebSocketClosedError:  # the browser has gone
            self.on_close()
        except r.ReqlDriverError as error:  # the database has gone
            log.warning("a feed ended: %s", error)
            self.close(1011, "The database cannot be reached.")  # the browser comes again

    async def send_messages(self) -> None:
        messages = r.table(TABLE).pluck("id", "text")
        self.feed = await messages.changes(include_initial=True).run(self.pool)
        if self.gone:
            raise WebSocketClosedError
        async for change in self.feed:
            if change["new_val"] is not None:
                await self.write_message(change["new_val"])

    def on_close(self) -> None:
        self.gone = True
        if self.feed is not None:
            self.feed.close()


async def prepare(pool: Any) -> None:
    """Makes the table, if it is not there."""
    if TABLE not in await r.table_list().run(pool):
        await r.table_create(TABLE).run(pool)


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=8888, help="0 picks a free one")
    parser.add_argument("--rethinkdb", default="rethinkdb://localhost", help="URL of the database")
    arguments = parser.parse_args()

    logging.basicConfig(level=logging.INFO)
    pool = r.ConnectionPool(url=arguments.rethinkdb, deadline=10)
    await prepare(pool)
    shared = {"pool": pool}
    routes: list[Any] = [("/", Page), ("/messages", Messages, shared), ("/feed", Feed, shared)]
    server = HTTPServer(Application(routes))
    sockets = bind_sockets(arguments.port, "localhost")
    server.add_sockets(sockets)
    print(f"Listening on http://localhost:{sockets[0].getsockname()[1]}", flush=True)

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    server.stop()
    await pool.close(timeout=5)
    await server.close_all_connections()


if __name__ == "__main__":
    asyncio.run(main())
