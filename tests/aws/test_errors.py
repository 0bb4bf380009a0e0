"""A connection that ends in the middle of an answer: botocore lets the error of its HTTP library through."""

from __future__ import annotations

import socket
import threading
from contextlib import closing
from typing import Any

import pytest
from botocore.config import Config
from urllib3.exceptions import ProtocolError

from stockctl.aws.clients import aws_session
from stockctl.aws.errors import translated


def cut_off(listening: socket.socket) -> None:
    """Answers every request with half of what it promises."""
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with closing(connection):
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 300\r\n\r\n<Error>")


def test_an_answer_that_is_cut_off_is_a_broken_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=cut_off, args=(listening,), daemon=True)
        thread.start()
        session = aws_session(region="eu-west-1")
        session.set_credentials("test", "test")
        endpoint = f"http://127.0.0.1:{listening.getsockname()[1]}"
        client: Any = session.create_client(
            "s3", endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1})
        )
        with pytest.raises(ProtocolError) as raised:
            client.get_object(Bucket="bucket", Key="key")
        listening.shutdown(socket.SHUT_RDWR)
    error = translated(raised.value)
    assert error is not None
    assert "the connection broke" in error.message
    assert error.hint == "Try again; everything stockctl does is repeatable."
