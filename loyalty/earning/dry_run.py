"""What a document would earn, without taking it (F22): nothing is locked, posted or kept."""

from collections.abc import Sequence
from uuid import UUID

from kernel.errors import NotFound
from kernel.unit_of_work import UnitOfWork
from loyalty.earning.document import Document, check_lines
from loyalty.earning.queries import Explanation, explanation_of
from loyalty.earning.rule_book import drafts, rules_on
from loyalty.earning.weigh import evaluate_for, explanation
from loyalty.members.queries import exists


def dry_run(
    uow: UnitOfWork, document: Document, rule_ids: Sequence[UUID]
) -> tuple[int, Explanation]:
    """Points of the document and why. Versions in `rule_ids` count as if they were in force, in
    place of the version of their code that is; the day may lie ahead.

    Raises NotFound `member_not_found` and `rule_not_found`, RuleViolation `negative_amount`,
    `lines_missing` and those of a VIN.
    """
    check_lines(document)
    if not exists(uow.session, document.member_id):
        raise NotFound("member_not_found")
    rules = {rule.code: rule for rule in rules_on(uow, document.occurred_on)}
    rules |= {rule.code: rule for rule in drafts(uow, rule_ids)}
    tried = [rule for _, rule in sorted(rules.items())]
    weighed = evaluate_for(uow, document, tried, binding=False)
    return weighed.points, explanation_of(explanation(weighed))
