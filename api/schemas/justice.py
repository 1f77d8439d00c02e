"""Shapes of judgements, cases, penalties, appeals and the evidence pack. None says an answer."""

from enum import StrEnum
from typing import Any

from marshmallow import Schema, fields

from api.schemas.base import Strict
from api.schemas.common import instant_out, text_out, uuid_out
from api.schemas.fields import Choice, Remark, Text
from referral.justice.appeal import Outcome
from referral.justice.judge import Verdict

_MOST = {"maxItems": 200}


def _codes_out() -> fields.Field[Any]:
    return fields.List(text_out(60), metadata=_MOST)


class JudgementIn(Strict):
    verdict = Choice(Verdict, required=True)
    reason = Remark(1, 500, required=True)


class JudgementOut(Schema):
    """How many agree in this round; `moved` when the referral took the step."""

    referral_id = uuid_out()
    round = fields.Integer()
    verdict = text_out(20)
    agreeing = fields.Integer()
    moved = fields.Boolean()
    referral_state = text_out(20)
    version = fields.Integer()


class SuspicionIn(Strict):
    reason = Remark(1, 500, required=True)


class StatementIn(Strict):
    """The consultant's own words; kept sealed, read by the judges alone."""

    text = Text(1, 2000, required=True)


class StatementOut(Schema):
    id = uuid_out()
    case_id = uuid_out()
    made_at = instant_out()


class PenaltyState(StrEnum):
    PROPOSED = "proposed"
    EFFECTIVE = "effective"
    VOID = "void"


class PenaltyQuery(Strict):
    state = Choice(PenaltyState, load_default=None)


class PenaltyOut(Schema):
    id = uuid_out()
    case_id = uuid_out()
    consultant_id = uuid_out()
    nth = fields.Integer()
    fine_fen = fields.Integer()
    pay_withheld_on = fields.Date(allow_none=True)
    excluded_months = fields.Integer()
    referred_to_hr = fields.Boolean()
    policy_version = fields.Integer()
    state = text_out(20)
    proposed_at = instant_out()
    appeal_until = instant_out()
    effective_at = instant_out()
    excluded_until = fields.Date(allow_none=True)
    voided_at = instant_out()


class CaseOut(Schema):
    """`heard_by`: until then nothing is confirmed unless the consultant has spoken."""

    id = uuid_out()
    referral_id = uuid_out()
    consultant_id = uuid_out()
    reason = text_out(60)
    state = text_out(20)
    opened_at = instant_out()
    decided_at = instant_out()
    statements = fields.Integer()
    heard_by = instant_out()
    penalty = fields.Nested(PenaltyOut, allow_none=True)


class SuspicionOut(Schema):
    case_id = uuid_out()
    referral_id = uuid_out()
    opened_at = instant_out()
    referral_state = text_out(20)
    version = fields.Integer()


class AppealIn(Strict):
    """Why the decision is wrong, in one's own words; kept sealed."""

    words = Text(1, 2000, required=True)


class AppealState(StrEnum):
    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"


class AppealQuery(Strict):
    state = Choice(AppealState, load_default=None)


class AppealOut(Schema):
    """`due_at`: not decided by then it counts as rejected. The reason is the judge's."""

    id = uuid_out()
    referral_id = uuid_out()
    decision_seq = fields.Integer()
    appellant = text_out(20)
    raised_at = instant_out()
    due_at = instant_out()
    state = text_out(20)
    decided_at = instant_out()
    reason = text_out(500, allow_none=True)


class DecisionOut(Schema):
    """The step the referral rests on; `appeal_until` is null where there is no appeal."""

    seq = fields.Integer()
    state = text_out(20)
    reason = text_out(60, allow_none=True)
    decided_at = instant_out()
    appeal_until = instant_out()


class ReferralAppealsOut(Schema):
    referral_id = uuid_out()
    decision = fields.Nested(DecisionOut)
    items = fields.List(fields.Nested(AppealOut), metadata=_MOST)


class AppealDecisionIn(Strict):
    outcome = Choice(Outcome, required=True)
    reason = Remark(1, 500, required=True)


class NarrativeRevealIn(Strict):
    """Nothing to fill in: that somebody looked is kept in the audit trail."""


class StatedOut(Schema):
    by = text_out(20)
    at = instant_out()
    words = text_out(2000)


class ToldOut(Schema):
    callback_id = uuid_out()
    party = text_out(10)
    position = fields.Integer()
    question = text_out(300)
    words = text_out(500)


class NarrativeOut(Schema):
    referral_id = uuid_out()
    told = fields.List(fields.Nested(ToldOut), metadata=_MOST)
    stated = fields.List(fields.Nested(StatedOut), metadata=_MOST)


class ReferralStepOut(Schema):
    seq = fields.Integer()
    event = text_out(30)
    from_state = text_out(20, allow_none=True)
    to_state = text_out(20)
    actor_role = text_out(30)
    reason = text_out(60, allow_none=True)
    at = instant_out()


class LicenceEvidenceOut(Schema):
    attempt = fields.Integer()
    passed = fields.Boolean()
    reason = text_out(60, allow_none=True)
    verdicts = fields.Dict(keys=fields.String(), values=text_out(20))
    typed = _codes_out()
    flags = _codes_out()
    checked_at = instant_out()


class RiskShownOut(Schema):
    """One thing noticed, what it counts, and the counts it was noticed by."""

    code = text_out(60)
    points = fields.Integer()
    facts = fields.Dict(keys=fields.String())


class RiskOut(Schema):
    points = fields.Integer()
    choice = text_out(20)
    signals = fields.List(fields.Nested(RiskShownOut), metadata=_MOST)
    at = instant_out()


class ChanceOut(Schema):
    """A chance in per cent with two digits, and the sentence that says what it means."""

    percent = text_out(10)
    says = text_out(300)


class OddsOut(Schema):
    fake_t0 = fields.Nested(ChanceOut, allow_none=True)
    fake_t1 = fields.Nested(ChanceOut, allow_none=True)
    fake_t2 = fields.Nested(ChanceOut, allow_none=True)
    honest_rejected = fields.Nested(ChanceOut, allow_none=True)


class AskedOut(Schema):
    position = fields.Integer()
    key = text_out(60)
    part = text_out(20)
    knock_out = fields.Boolean()
    mark = text_out(20, allow_none=True)
    attempts = fields.Integer()
    flag = text_out(20, allow_none=True)


class AttemptOut(Schema):
    started_at = instant_out()
    answered_at = instant_out()
    ended_at = instant_out()
    number_matches = fields.Boolean()
    in_hours = fields.Boolean()


class CallEvidenceOut(Schema):
    id = uuid_out()
    party = text_out(10)
    purpose = text_out(20)
    narrative = fields.Boolean()
    result = text_out(30, allow_none=True)
    reason = text_out(60, allow_none=True)
    score_bits = fields.Float(allow_none=True)
    odds = fields.Nested(OddsOut)
    right = fields.Integer()
    wrong = fields.Integer()
    questions = fields.List(fields.Nested(AskedOut), metadata=_MOST)
    attempts = fields.List(fields.Nested(AttemptOut), metadata=_MOST)


class VoiceOut(Schema):
    round = fields.Integer()
    verdict = text_out(20)
    reason = text_out(500)
    at = instant_out()


class ReferralEvidenceOut(Schema):
    """`judgements` are of rounds that are over; `voices` is how many spoke in the present one."""

    referral_id = uuid_out()
    state = text_out(20)
    reason = text_out(60, allow_none=True)
    due_at = instant_out()
    version = fields.Integer()
    review = _codes_out()
    steps = fields.List(fields.Nested(ReferralStepOut), metadata=_MOST)
    licence = fields.List(fields.Nested(LicenceEvidenceOut), metadata=_MOST)
    nomination_verdict = text_out(20, allow_none=True)
    nominated_at = instant_out()
    risk = fields.Nested(RiskOut, allow_none=True)
    calls = fields.List(fields.Nested(CallEvidenceOut), metadata=_MOST)
    case = fields.Nested(CaseOut, allow_none=True)
    judgements = fields.List(fields.Nested(VoiceOut), metadata=_MOST)
    round = fields.Integer()
    voices = fields.Integer()


class RelativeIn(Strict):
    phone = Text(1, 40, required=True)


class RelativeOut(Schema):
    staff_id = uuid_out()
