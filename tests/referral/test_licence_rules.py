"""The vehicle licence against the report: each field by itself, and what fails the check."""

from dataclasses import replace
from datetime import date
from itertools import product

import pytest

from referral.reasons import Reason
from referral.rules.licence import FieldVerdict, LicenceFields, compare, outcome

KNOWN = LicenceFields(
    plate_no="沪A12345",
    owner_name="张三",
    vin="LFV2A21K8A3000001",
    use_nature="非营运",
    register_date=date(2021, 5, 1),
)
FIELDS = ["plate_no", "owner_name", "vin", "use_nature", "register_date", "issue_date"]
MATCH, MISMATCH = FieldVerdict.MATCH, FieldVerdict.MISMATCH
UNREADABLE, ABSENT = FieldVerdict.UNREADABLE, FieldVerdict.ABSENT


def verdicts(
    *, plate: FieldVerdict = MATCH, owner: FieldVerdict = MATCH, vin: FieldVerdict = MATCH
) -> dict[str, FieldVerdict]:
    return {"plate_no": plate, "owner_name": owner, "vin": vin}


def test_the_owners_own_licence_agrees_in_every_field_we_know() -> None:
    found = compare(seen=KNOWN, known=KNOWN)
    assert list(found) == FIELDS
    assert found == dict.fromkeys(FIELDS[:5], MATCH) | {"issue_date": ABSENT}
    assert outcome(found) == (True, None)


@pytest.mark.parametrize(
    ("field", "seen", "verdict"),
    [
        ("plate_no", "沪Ａ·12345", MATCH),
        ("plate_no", "沪A12346", MISMATCH),
        ("plate_no", "沪A1234", UNREADABLE),
        ("plate_no", None, ABSENT),
        ("owner_name", "張 三", MATCH),
        ("owner_name", "张三丰", MISMATCH),
        ("owner_name", "  ", UNREADABLE),
        ("owner_name", "张*", UNREADABLE),
        ("owner_name", None, ABSENT),
        ("vin", "lfv2a21k8a3000001", MATCH),
        ("vin", "LSVWY4180KN246094", MISMATCH),
        ("vin", "LFV2A21K8A300000I", UNREADABLE),
        ("vin", "LFV2A21K8A3000002", UNREADABLE),
        ("vin", "", UNREADABLE),
        ("vin", None, ABSENT),
        ("use_nature", "非營運", MATCH),
        ("use_nature", "租赁", MISMATCH),
        ("register_date", date(2021, 5, 2), MISMATCH),
        ("register_date", None, ABSENT),
        ("issue_date", date(2021, 5, 2), ABSENT),
    ],
)
def test_a_field_is_compared_in_its_own_canonical_form(
    field: str, seen: str | date | None, verdict: FieldVerdict
) -> None:
    licence = replace(KNOWN, **{field: seen})  # type: ignore[arg-type]
    assert compare(seen=licence, known=KNOWN)[field] == verdict


def test_a_record_of_ours_without_a_plate_says_nothing_against_the_licence() -> None:
    found = compare(seen=KNOWN, known=replace(KNOWN, plate_no=None))
    assert found["plate_no"] == ABSENT
    assert outcome(found) == (True, None)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (verdicts(vin=MISMATCH), Reason.LICENCE_VIN_MISMATCH),
        (verdicts(owner=MISMATCH), Reason.LICENCE_OWNER_MISMATCH),
        (verdicts(plate=MISMATCH), Reason.LICENCE_PLATE_MISMATCH),
        (verdicts(vin=UNREADABLE), Reason.LICENCE_UNREADABLE),
        (verdicts(vin=ABSENT), Reason.LICENCE_UNREADABLE),
        (verdicts(owner=UNREADABLE), Reason.LICENCE_UNREADABLE),
        (verdicts(owner=ABSENT), Reason.LICENCE_UNREADABLE),
        (verdicts(plate=UNREADABLE), Reason.LICENCE_UNREADABLE),
        (verdicts(plate=MISMATCH, owner=MISMATCH, vin=MISMATCH), Reason.LICENCE_VIN_MISMATCH),
        (verdicts(plate=MISMATCH, vin=UNREADABLE), Reason.LICENCE_PLATE_MISMATCH),
        ({}, Reason.LICENCE_UNREADABLE),
    ],
)
def test_a_deciding_field_that_differs_or_is_not_read_fails_the_check(
    found: dict[str, FieldVerdict], reason: Reason
) -> None:
    assert outcome(found) == (False, reason)


def test_a_licence_without_a_plate_passes() -> None:
    assert outcome(verdicts(plate=ABSENT)) == (True, None)


def test_only_full_agreement_of_owner_and_vin_ever_passes() -> None:
    for plate, owner, vin in product(FieldVerdict, repeat=3):
        passed, reason = outcome(verdicts(plate=plate, owner=owner, vin=vin))
        assert passed == (owner == vin == MATCH and plate in (MATCH, ABSENT))
        assert passed == (reason is None)


def test_use_nature_and_dates_are_shown_but_decide_nothing() -> None:
    other = replace(KNOWN, use_nature="租赁", register_date=date(2020, 1, 1))
    assert outcome(compare(seen=other, known=KNOWN)) == (True, None)


def test_a_licence_knows_no_colour() -> None:
    assert not [field for field in FIELDS if "colour" in field]
    assert set(LicenceFields.__dataclass_fields__) == {*FIELDS, "brand_model"}
