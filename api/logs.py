"""One line per event, JSON in production; identifiers and codes, never personal data."""

import structlog


def set_up_logs(form: str) -> None:
    """`form` is `json` or `text`."""
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            last,
        ],
        cache_logger_on_first_use=True,
    )
