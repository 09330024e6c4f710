"""A DynamoDB that takes every BatchWriteItem and answers it after a fixed time: python slow_dynamodb.py MILLISECONDS.

Prints its port, then serves until its standard input ends. It is a process of its own, so that what it does is not
on the account of the one who writes, and asyncio, so that a hundred calls at once wait no longer than one.
"""

import asyncio
import sys

_BODY = b'{"UnprocessedItems":{}}'
_REPLY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n" % len(_BODY)
) + _BODY


async def serve(seconds: float) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            if b"\r\nexpect:" in head.lower():
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await reader.readexactly(int(length.partition(b":")[2]))
            await asyncio.sleep(seconds)
            writer.write(_REPLY)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


async def _head(reader: asyncio.StreamReader) -> bytes:
    """A request's head; empty when the client has closed."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]) / 1000))
