"""The body that tells of a document, in a request or a line of a file, as a document."""

from typing import Any
from uuid import UUID

from loyalty.earning.document import Document
from loyalty.earning.rules.standard import Line


def document_of(body: dict[str, Any]) -> Document:
    """The document a body tells of; one on trial needs no reference."""
    reference = body["external_ref"] or {"source": "", "id": ""}
    return Document(
        source=reference["source"],
        source_event_id=reference["id"],
        kind=body["kind"],
        member_id=UUID(body["member_id"]),
        occurred_on=body["occurred_on"],
        lines=[
            Line(line["payer"], line["amount"]["amount_fen"], line["job_type"])
            for line in body["lines"]
        ],
        vin=body["vin"],
        campaign=body["campaign"],
    )
