"""The process that reads pictures: length and JPEG come in, length and lines as JSON go out.

It is run as a file by itself and imports nothing of ours, so that no secret of ours is near it.
"""

import json
import os
import select
import struct
import sys
from typing import Any, BinaryIO

from rapidocr import RapidOCR

IDLE_S = 600
FRAME = struct.Struct(">I")
PARAMETERS = {
    "Global.log_level": "critical",
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}


def main() -> None:
    """Serve until nobody has asked for ten minutes or the other end is closed."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    engine = RapidOCR(params=PARAMETERS)
    while True:
        ready, _, _ = select.select([0], [], [], IDLE_S)
        picture = _next(sys.stdin.buffer) if ready else b""
        if not picture:
            return
        said = json.dumps(_lines(engine(picture))).encode()
        answers.write(FRAME.pack(len(said)) + said)
        answers.flush()


def _next(source: BinaryIO) -> bytes:
    head = source.read(FRAME.size)
    return source.read(FRAME.unpack(head)[0]) if len(head) == FRAME.size else b""


def _lines(found: Any) -> list[tuple[str, float, list[list[float]]]]:
    if found.txts is None:
        return []
    rows = zip(found.txts, found.scores, found.boxes, strict=True)
    return [
        (text, float(score), [[float(v) for v in at] for at in box]) for text, score, box in rows
    ]


if __name__ == "__main__":
    main()
