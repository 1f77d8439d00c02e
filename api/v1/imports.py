"""Import jobs: documents by the hundred thousand, in parts that are taken at once."""

from typing import Any
from uuid import UUID

from api.document_lines import READERS
from api.routes import Answer, Page, Routes
from api.schemas import imports as shapes
from api.schemas.paging import page_of
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.roles import Role
from loyalty.feed import jobs

routes = Routes("imports")
READER_ROLES = (Role.CRM, Role.DEALER_ADMIN)


@routes.post(
    "/v1/import-jobs",
    summary="Open an import of documents",
    roles=(Role.CRM,),
    body=shapes.ImportJobIn,
    answer=shapes.ImportJobOut,
    example={"kind": "documents", "format": "csv", "source": "crm"},
)
def create_import_job(uow: UnitOfWork, body: dict[str, Any]) -> jobs.JobView:
    """It waits for part 1. Nothing is taken until parts come."""
    return jobs.open_job(uow, kind=body["kind"].value, form=body["format"], source=body["source"])


@routes.get(
    "/v1/import-jobs/<uuid:job_id>",
    summary="Where an import stands",
    roles=READER_ROLES,
    answer=shapes.ImportJobOut,
    problems=("import_job_not_found",),
)
def get_import_job(uow: UnitOfWork, job_id: UUID) -> jobs.JobView:
    """After an interruption go on with `next_part`."""
    return jobs.get_job(uow, job_id)


@routes.post(
    "/v1/import-jobs/<uuid:job_id>/parts",
    summary="Send the next part of an import",
    roles=(Role.CRM,),
    body=shapes.ImportPartIn,
    answer=shapes.ImportPartOut,
    repeatable=True,
    problems=(
        "body_too_large",
        "columns_missing",
        "columns_repeated",
        "csv_broken",
        "import_job_ended",
        "import_job_not_found",
        "part_changed",
        "part_out_of_order",
    ),
    example={
        "part_no": 1,
        "content": "member_external_id,document_id,kind,occurred_on,payer,amount_yuan\n"
        "M-1,SO-1,service_order,2026-11-20,customer,1280.00\n",
        "last": False,
    },
)
def create_import_part(uow: UnitOfWork, job_id: UUID, body: dict[str, Any]) -> Answer:
    """Taken at once; a refused row stops no other. Told again, a part answers its first result."""
    part, new = jobs.take_part(uow, job_id, jobs.Part(**body), READERS)
    return Answer(part, 201 if new else 200)


@routes.get(
    "/v1/import-jobs/<uuid:job_id>/rows",
    summary="What became of every row of an import",
    roles=READER_ROLES,
    query=shapes.ImportRowsQuery,
    answer=page_of(shapes.ImportRowOut),
    paged=True,
    problems=("import_job_not_found", "cursor_invalid"),
)
def list_import_rows(
    uow: UnitOfWork, job_id: UUID, page: Page, query: dict[str, Any]
) -> list[jobs.RowView]:
    """In the order of the rows; `outcome=failed` shows those to be mended and sent anew."""
    after = page.position.int if page.position else 0
    return jobs.list_rows(uow, job_id, outcome=query["outcome"], after=after, limit=page.fetch)


@routes.post(
    "/v1/import-jobs/<uuid:job_id>/cancellations",
    summary="Take no further part of an import",
    roles=(Role.CRM,),
    body=shapes.ImportCancellationIn,
    answer=shapes.ImportJobOut,
    problems=("import_job_not_found", "import_job_ended"),
    example={},
)
def create_import_cancellation(uow: UnitOfWork, job_id: UUID, body: dict[str, Any]) -> jobs.JobView:
    """What was taken stays taken: a document is taken back by a return."""
    return jobs.cancel_job(uow, job_id, **body)
