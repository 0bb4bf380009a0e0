"""The supervisor's own threads."""

from __future__ import annotations

from queue import SimpleQueue

from stockctl.local.supervisor import _Every


def test_what_is_done_every_so_often_is_done_until_it_is_stopped() -> None:
    """As what has been written is brought to the disk each second: that much a power failure may cost."""
    done: SimpleQueue[int] = SimpleQueue()
    every = _Every(0.001, lambda: done.put(1))
    every.start()
    for _ in range(3):
        assert done.get(timeout=10)
    every.stop()
    assert not every.is_alive()
