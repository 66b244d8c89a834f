"""TLS in front of a server that does not speak it: only what the client spends on it is measured.

    python -m benchmarks.encrypting HOST PORT FILE

writes the certificate to trust into the file, prints the port of TLS, and serves until it is ended.
"""

from __future__ import annotations

import asyncio
import ssl
import sys

import trustme

_PIECE = 1 << 18


async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Until the source ends."""
    try:
        while data := await source.read(_PIECE):
            target.write(data)
            await target.drain()
    except OSError:
        pass  # one side is gone, and the other one is told
    finally:
        target.close()


async def main(host: str, port: int, file: str) -> None:
    """Serve on a free port of this machine."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, port)
        await asyncio.gather(copy(reader, back), copy(there, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
