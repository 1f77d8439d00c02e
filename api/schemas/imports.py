"""Shapes of import jobs, their parts, and the lines of an NDJSON part."""

from enum import StrEnum

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import ReferenceIn, instant_out, points_out, text_out, uuid_out
from api.schemas.earning import DocumentIn
from api.schemas.fields import Choice, Content, Flag, Reference, StrictInt, Uuid
from loyalty.feed.jobs import Format

MOST_CHARACTERS = 1_000_000
MOST_PARTS = 1_000_000


class JobKind(StrEnum):
    """What rows an import job takes: 单据."""

    DOCUMENTS = "documents"


class RowOutcome(StrEnum):
    """What can become of a row."""

    NEW = "new"
    KNOWN = "known"
    FAILED = "failed"


class DocumentRowIn(DocumentIn):
    """A document as POST /v1/documents takes it; its member by exactly one of id and reference."""

    member_id = Uuid(load_default=None, allow_none=True)
    member_ref = fields.Nested(ReferenceIn, load_default=None, allow_none=True)


class ImportJobIn(Strict):
    """`source` names the system whose references a CSV uses; NDJSON lines name theirs."""

    kind = Choice(JobKind, required=True)
    format = Choice(Format, required=True)
    source = Reference(40, load_default="crm")


class ImportPartIn(Strict):
    """`content` ends where a row ends; only the first part of a CSV has the header."""

    part_no = StrictInt(1, MOST_PARTS, required=True)
    content = Content(MOST_CHARACTERS, required=True)
    last = Flag(load_default=False)


class ImportCancellationIn(Strict):
    """Nothing is asked."""


class ImportRowsQuery(Strict):
    outcome = Choice(RowOutcome, load_default=None)


class ImportJobOut(Schema):
    id = uuid_out()
    kind = text_out(20)
    format = text_out(10)
    source = text_out(40)
    state = text_out(20)
    next_part = fields.Integer()
    rows_done = fields.Integer()
    new = fields.Integer()
    known = fields.Integer()
    failed = fields.Integer()
    opened_at = instant_out()
    ended_at = instant_out()


class ImportPartOut(Schema):
    job_id = uuid_out()
    part_no = fields.Integer()
    new = fields.Integer()
    known = fields.Integer()
    failed = fields.Integer()


class ImportRowOut(Schema):
    """`document_id` and `points` of a row taken; `code`, `pointer`, `params` of one refused."""

    row_no = fields.Integer()
    outcome = text_out(10)
    document_id = uuid_out(allow_none=True)
    points = points_out()
    code = text_out(63, allow_none=True)
    pointer = text_out(2048, allow_none=True)
    params = fields.Dict(allow_none=True, metadata={"maxProperties": 20})
