"""Health: /livez tells that the process lives, /readyz that it can serve."""

from flask import jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.service import Service
from migrations.run import head


def livez() -> ResponseReturnValue:
    """The process answers; nothing else is asked."""
    return jsonify(status="ok")


def readyz(service: Service) -> ResponseReturnValue:
    """Database and schema revision decide; without Redis the service is ready but degraded."""
    database = schema = "ok"
    try:
        with service.database.engine.connect() as connection:
            at = connection.scalar(text("SELECT version_num FROM alembic_version"))
        schema = "ok" if at == head() else f"at {at}, wants {head()}"
    except SQLAlchemyError:
        database, schema = "away", "unknown"
    ready = database == schema == "ok"
    body = {
        "status": "ready" if ready else "not_ready",
        "database": database,
        "schema": schema,
        "redis": "ok" if service.limiter.shared() else "away, counting per process",
    }
    return jsonify(body), 200 if ready else 503
