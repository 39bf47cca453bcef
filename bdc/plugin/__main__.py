"""`python -m bdc.plugin <engine address>`: what the launcher starts.

Pulumi's convention: the first line on stdout is the port. The process ends on SIGTERM, or when the engine that started it is gone,
which a killed engine can't tell.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent import futures

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from bdc.plugin.server import Provider

_PARALLEL = 64  # waits hold a thread each
_MESSAGE_BYTES = 400 << 20


def main() -> None:
    """Serve until told to stop."""
    engine = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), None)
    options = [("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=_PARALLEL), options=options)
    provider = Provider(engine)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    parent, ended = os.getppid(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while not ended.wait(1) and (engine is None or os.getppid() == parent):
        pass
    provider.stop()
    server.stop(1).wait()


if __name__ == "__main__":
    main()
