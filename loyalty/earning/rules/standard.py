"""The standard earning rule: one point for every whole yuan the customer paid himself.

Warranty and insurer lines earn nothing. The sum is rounded down once, never line by line.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

RULE_ID = "standard_spend"
RULE_VERSION = 1
FEN_A_POINT = 100
UNIT_COST_FEN = Decimal("1.0000")


class Payer(StrEnum):
    """Who pays a line of a service order: 客户, 索赔, 保险."""

    CUSTOMER = "customer"
    WARRANTY = "warranty"
    INSURER = "insurer"


class JobType(StrEnum):
    """What was done for a line of a service order: 保养, 维修, 事故, 钣喷, 洗美, 其他."""

    MAINTENANCE = "maintenance"
    REPAIR = "repair"
    ACCIDENT = "accident"
    BODYWORK = "bodywork"
    WASH = "wash"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a document: who paid how much, in fen, and for which kind of job, if told."""

    payer: Payer
    amount_fen: int
    job_type: JobType | None = None
