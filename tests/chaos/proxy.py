"""A proxy for TCP and Unix sockets that lets connections fail in ways that a killed process does not.

    proxy.py NAME=LISTEN>TARGET...      LISTEN and TARGET: a port of 127.0.0.1, or a path

It prints "ready", then takes orders on standard input, one a line, NAME may be `all`:

    cut NAME             close every connection
    hold NAME SECONDS    carry nothing for so long, in neither direction; what waits goes on after it
    deaf NAME SECONDS    carry requests but no answers for so long, then cut: what was asked for is done, who asked cannot know
    late NAME SECONDS    requests from now on are kept back; the client is cut off at once, and what it sent last arrives so much
                         later, when the client has long gone on over another connection
"""
import asyncio
import os
import sys

CHUNK = 1 << 16
GATHER_S = 0.1  # how long a late request is gathered before the client is cut off


class Connection:
    """One client and its server: two directions, each a task."""

    def __init__(self, client, server):
        self.client, self.server = client, server
        self.is_deaf = False
        self.kept = None  # bytes that come late

    def cut_client(self):
        self.client.transport.abort()

    def cut(self):
        self.client.transport.abort()
        self.server.transport.abort()


class Door:
    """One listening place: its connections, and whether anything passes."""

    def __init__(self, name, listen, target):
        self.name, self.listen, self.target = name, listen, target
        self.connections = set()
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.is_deaf = False

    async def serve(self):
        if self.listen.startswith("/"):
            await asyncio.start_unix_server(self.accept, self.listen)
        else:
            await asyncio.start_server(self.accept, "127.0.0.1", int(self.listen))

    async def accept(self, reader, writer):
        try:
            if self.target.startswith("/"):
                server_reader, server = await asyncio.open_unix_connection(self.target)
            else:
                server_reader, server = await asyncio.open_connection("127.0.0.1", int(self.target))
        except OSError:
            writer.transport.abort()
            return
        connection = Connection(writer, server)
        connection.is_deaf = self.is_deaf
        self.connections.add(connection)
        try:
            await asyncio.wait([asyncio.ensure_future(self.carry_requests(connection, reader)),
                                asyncio.ensure_future(self.carry_answers(connection, server_reader))],
                               return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.connections.discard(connection)
            if connection.kept is None:
                connection.cut()

    async def carry_requests(self, connection, reader):
        try:
            while data := await reader.read(CHUNK):
                await self.is_open.wait()
                if connection.kept is not None:
                    connection.kept.append(data)
                    continue
                connection.server.write(data)
                await connection.server.drain()
        except OSError:
            pass

    async def carry_answers(self, connection, reader):
        try:
            while data := await reader.read(CHUNK):
                await self.is_open.wait()
                if not connection.is_deaf:
                    connection.client.write(data)
                    await connection.client.drain()
        except OSError:
            pass

    # -- orders
    async def cut(self, _):
        for connection in list(self.connections):
            connection.cut()

    async def hold(self, seconds):
        self.is_open.clear()
        await asyncio.sleep(seconds)
        self.is_open.set()

    async def deaf(self, seconds):
        self.is_deaf = True
        for connection in self.connections:
            connection.is_deaf = True
        await asyncio.sleep(seconds)
        self.is_deaf = False
        for connection in [c for c in self.connections if c.is_deaf]:
            connection.cut()

    async def late(self, seconds):
        connections = list(self.connections)
        for connection in connections:
            connection.kept = []
        await asyncio.sleep(GATHER_S)
        for connection in connections:
            connection.cut_client()
        await asyncio.sleep(seconds)
        for connection in connections:
            try:
                connection.server.write(b"".join(connection.kept))
                await connection.server.drain()
                connection.server.write_eof()
            except (OSError, RuntimeError):
                pass  # the server had gone
        await asyncio.sleep(1)
        for connection in connections:
            connection.server.transport.abort()


async def main(doors):
    loop = asyncio.get_running_loop()
    doors = [Door(*door) for door in doors]
    for door in doors:
        await door.serve()
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    print("ready", flush=True)
    running = set()
    while line := (await orders.readline()).decode():
        order, name, *seconds = line.split()
        for door in doors:
            if name in (door.name, "all"):
                task = asyncio.ensure_future(getattr(door, order)(float(seconds[0]) if seconds else 0))
                running.add(task)
                task.add_done_callback(running.discard)


def parse(argument):
    name, _, ways = argument.partition("=")
    listen, _, target = ways.partition(">")
    return name, listen, target


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    asyncio.run(main([parse(a) for a in sys.argv[1:]]))
    os._exit(0)
