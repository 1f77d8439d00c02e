"""Licence photos over HTTP: who sends them, what they tell whom, what a check takes from them."""

import random
import uuid
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from api.commands.work import unit_of_work
from api.service import Service
from loyalty.dealers.roles import Role
from referral.evidence.ocr import OcrAway
from referral.evidence.reading import Cause
from referral.evidence.retention import erase_old_photos
from tests.support import licence_pictures as pictures
from tests.support import story
from tests.support.clock import TestClock
from tests.support.licence_pictures import Eyes, Printed, lines_of
from tests.support.race import at_once
from tests.support.shop import Shop, hire

ZHANG = Printed()


@pytest.fixture
def eyes(service: Service) -> Iterator[Eyes]:
    """The engine replaced: it finds 张三's licence on whatever is sent."""
    ours, found = service.ocr, Eyes(lines_of(ZHANG))
    object.__setattr__(service, "ocr", found)
    yield found
    object.__setattr__(service, "ocr", ours)


class Blind:
    """An engine that is not there."""

    def __init__(self, cause: Cause) -> None:
        self.cause = cause

    def lines(self, jpeg: bytes) -> list[Any]:
        raise OcrAway(self.cause)


def scene(number: int) -> bytes:
    """A photo that is like no other number's."""
    dice = random.Random(number)
    blots = Image.frombytes("L", (9, 7), dice.randbytes(63)).resize((400, 320))
    return pictures.encoded(blots, "PNG")


def path(referral: dict[str, Any]) -> str:
    return f"/v1/referrals/{referral['id']}/licence-photos"


def send(
    shop: Shop, referral: dict[str, Any], upload: bytes, role: str = "consultant", **more: Any
) -> dict[str, Any]:
    return story.ok(shop.post(role, path(referral), upload, **more))


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


@pytest.fixture
def referral(shop: Shop, eyes: Eyes) -> dict[str, Any]:
    """张三's referral of 李四, its car handed over."""
    shop.people["owner"] = story.owner(shop)
    return story.delivered(shop)


def second(shop: Shop, **owner: str) -> dict[str, Any]:
    """One more referral, of another buyer."""
    body = story.report(shop)
    body["buyer"] |= {"name": "王五", "phone": "13700137000"}
    body["slip"] |= owner
    return story.ok(shop.post("consultant", "/v1/referrals", body))


def test_the_consultant_learns_how_well_it_was_read_and_no_value(
    shop: Shop, referral: dict[str, Any]
) -> None:
    sent = send(shop, referral, scene(1))
    assert (sent["outcome"], sent["needs_person"], sent["flags"]) == ("read", False, [])
    assert sent["fields"]["vin"] == {
        "readable": True,
        "confidence": 0.99,
        "source": "ocr",
        "needs_person": False,
        "value": None,
    }
    for value in (ZHANG.plate_no, ZHANG.vin, ZHANG.owner_name, ZHANG.address):
        assert value not in str(sent)


def test_only_the_showroom_manager_sees_the_values(shop: Shop, referral: dict[str, Any]) -> None:
    sent = send(shop, referral, scene(1), "owner")
    one = f"/v1/licence-photos/{sent['id']}"
    manager = story.ok(shop.get("showroom_manager", one), 200)
    auditor = story.ok(shop.get("auditor", one), 200)
    assert manager["fields"]["vin"]["value"] == ZHANG.vin
    assert manager["fields"]["owner_name"]["value"] == "张三"
    assert "address" not in manager["fields"]
    assert {field["value"] for field in auditor["fields"].values()} == {None}
    for role in ("consultant", "owner", "crm", "duty_manager"):
        assert refused(shop.get(role, one)) == (403, "role_lacks")
    listed = story.ok(shop.get("showroom_manager", path(referral)), 200)["items"]
    assert listed == [manager]


def test_a_consultant_sends_for_his_own_referral_only(shop: Shop, referral: dict[str, Any]) -> None:
    stranger = hire(shop, "consultant")
    answer = shop.post("consultant", path(referral), scene(1), subject=stranger)
    assert refused(answer) == (404, "referral_not_found")


def test_an_owner_sends_for_a_referral_that_names_him_only(
    shop: Shop, referral: dict[str, Any], eyes: Eyes
) -> None:
    neighbour = story.member(shop, name="赵六", phone="13500135000")
    answer = shop.post("owner", path(referral), scene(1), subject=neighbour)
    assert refused(answer) == (404, "referral_not_found")
    assert eyes.asked == 0


def test_every_look_at_the_picture_is_kept(shop: Shop, referral: dict[str, Any]) -> None:
    sent = send(shop, referral, scene(1))
    one = f"/v1/licence-photos/{sent['id']}/views"
    looks = [story.ok(shop.post("showroom_manager", one)) for _ in range(2)]
    assert b64decode(looks[0]["image"])[:2] == b"\xff\xd8"
    assert (looks[0]["content_type"], looks[0]["id"] != looks[1]["id"]) == ("image/jpeg", True)
    with shop.service.database.transaction(shop.dealer_id) as session:
        kept = session.execute(
            text("SELECT viewed_by, viewed_as FROM licence_photo_view WHERE photo_id = :photo"),
            {"photo": sent["id"]},
        ).all()
        told = session.scalar(
            text("SELECT count(*) FROM audit_event WHERE action = 'licence_photo.viewed'")
        )
    assert kept == [(str(shop.people["showroom_manager"]), "showroom_manager")] * 2
    assert told == 2


def test_nothing_that_was_read_lies_open_in_the_database(
    shop: Shop, referral: dict[str, Any]
) -> None:
    sent = send(shop, referral, scene(1))
    engine = create_engine(shop.service.settings.database_url)
    with engine.connect() as connection:
        for table, column in (("licence_photo", "id"), ("licence_photo_image", "photo_id")):
            row = connection.scalar(
                text(f"SELECT to_jsonb(t)::text FROM {table} t WHERE {column} = :id"),
                {"id": sent["id"]},
            )
            assert row is not None
            for value in (ZHANG.plate_no, ZHANG.vin, ZHANG.owner_name, "ffd8ff"):
                assert value not in row, table
    engine.dispose()


# What may be sent


@pytest.mark.parametrize(
    ("upload", "headers", "status", "code"),
    [
        (b"", {}, 400, "image_required"),
        (b"<svg/>", {}, 422, "image_format_unknown"),
        (scene(1)[:900], {}, 422, "image_broken"),
        (b"x" * 5_000_001, {}, 413, "body_too_large"),
    ],
)
def test_what_is_no_picture_is_refused_and_read_by_nobody(
    shop: Shop,
    referral: dict[str, Any],
    eyes: Eyes,
    upload: bytes,
    headers: dict[str, str],
    status: int,
    code: str,
) -> None:
    answer = shop.post("consultant", path(referral), upload, headers=headers)
    assert (*refused(answer), eyes.asked) == (status, code, 0)


def test_a_picture_is_no_json_and_its_declared_kind_is_not_believed(
    shop: Shop, referral: dict[str, Any]
) -> None:
    answer = shop.post("consultant", path(referral), {"image": "x"})
    assert refused(answer) == (415, "content_type_not_image")
    jpeg = pictures.encoded(Image.open(BytesIO(scene(7))).convert("RGB"))
    assert send(shop, referral, jpeg)["outcome"] == "read"


def test_the_same_request_told_again_gets_the_same_bytes_and_is_read_once(
    shop: Shop, referral: dict[str, Any], eyes: Eyes
) -> None:
    first, again = (
        shop.post("consultant", path(referral), scene(1), key="photo-1") for _ in range(2)
    )
    assert (first.status_code, again.status_code, again.data) == (201, 201, first.data)
    assert (again.headers["Idempotency-Replayed"], eyes.asked) == ("true", 1)
    other = shop.post("consultant", path(referral), scene(2), key="photo-1")
    assert refused(other) == (422, "idempotency_key_reused")


def test_the_same_picture_for_the_same_referral_is_one_photo(
    shop: Shop, referral: dict[str, Any], eyes: Eyes
) -> None:
    first = send(shop, referral, scene(1))
    again = shop.post("showroom_manager", path(referral), scene(1))
    assert (story.ok(again, 200)["id"], eyes.asked) == (first["id"], 1)


def test_a_referral_takes_so_many_photos_and_no_more(shop: Shop, referral: dict[str, Any]) -> None:
    for number in range(20):
        send(shop, referral, pictures.encoded(Image.new("RGB", (2, 2), (number, 0, 0)), "PNG"))
    answer = shop.post("consultant", path(referral), scene(20))
    assert refused(answer) == (409, "licence_photos_enough")


def test_a_referral_that_is_over_takes_none(shop: Shop, referral: dict[str, Any]) -> None:
    cancelled = {
        "external_ref": {"source": "crm", "id": "X"},
        "kind": "cancellation",
        "order_no": "DD-7",
        "occurred_at": story.now(shop),
    }
    story.ok(shop.post("crm", "/v1/sale-events", cancelled))
    assert refused(shop.post("consultant", path(referral), scene(1))) == (409, "referral_over")


@pytest.mark.parametrize("cause", [Cause.OCR_NOT_INSTALLED, Cause.OCR_FAILED, Cause.OCR_BUSY])
def test_without_an_engine_the_photo_is_kept_and_a_person_reads_it(
    shop: Shop, referral: dict[str, Any], cause: Cause
) -> None:
    object.__setattr__(shop.service, "ocr", Blind(cause))
    sent = send(shop, referral, scene(1))
    assert (sent["outcome"], sent["cause"], sent["needs_person"]) == ("not_read", cause, True)
    done = checked(shop, referral, photo_id=sent["id"], **story.LICENCE)
    assert (done["passed"], done["typed"]) == (True, ["owner_name", "plate_no", "vin"])


def test_a_picture_too_small_to_read_says_so_unread(
    shop: Shop, referral: dict[str, Any], eyes: Eyes
) -> None:
    sent = send(shop, referral, pictures.dot())
    assert (sent["outcome"], sent["cause"], eyes.asked) == ("unreadable", "too_small", 0)


# The same picture, the same licence


def test_the_same_picture_for_another_referral_is_reused(
    shop: Shop, referral: dict[str, Any]
) -> None:
    first, other = send(shop, referral, scene(1)), second(shop)
    sent = send(shop, other, scene(1))
    assert (sent["outcome"], sent["reuse_of"]) == ("reused", None)
    inside = story.ok(shop.get("showroom_manager", f"/v1/licence-photos/{sent['id']}"), 200)
    assert inside["reuse_of"] == first["id"]


def test_the_same_pixels_in_another_file_are_reused(
    shop: Shop, referral: dict[str, Any], eyes: Eyes
) -> None:
    page = pictures.draw(ZHANG)
    send(shop, referral, pictures.encoded(page, "PNG"))
    eyes.found = []
    lossless = page.convert("RGBA")
    sent = send(shop, second(shop), pictures.encoded(lossless, "PNG"))
    assert sent["outcome"] == "reused"


def test_a_copy_made_smaller_and_brighter_of_the_same_licence_is_reused(
    shop: Shop, referral: dict[str, Any]
) -> None:
    page = pictures.on_table(pictures.draw(ZHANG), angle=2)
    copy = pictures.scaled(pictures.brighter(page, factor=1.15), factor=0.8)
    send(shop, referral, pictures.encoded(page))
    sent = send(shop, second(shop), pictures.encoded(copy, quality=60))
    assert sent["outcome"] == "reused"


def test_two_licences_that_look_alike_are_not_taken_for_one(
    shop: Shop, referral: dict[str, Any], eyes: Eyes
) -> None:
    """The same form, the same scanner, the same font: only what is printed differs."""
    other = pictures.somebody(random.Random(4))
    send(shop, referral, pictures.encoded(pictures.draw(ZHANG)))
    eyes.found = lines_of(other)
    sent = send(shop, second(shop), pictures.encoded(pictures.draw(other)))
    assert (sent["outcome"], sent["flags"]) == ("read", ["near_duplicate"])


def test_a_fresh_photo_of_the_owners_licence_serves_his_second_referral(
    shop: Shop, referral: dict[str, Any]
) -> None:
    send(shop, referral, scene(1))
    sent = send(shop, second(shop), scene(2))
    assert (sent["outcome"], sent["flags"]) == ("read", [])


def test_a_licence_used_for_two_owners_is_signalled(shop: Shop, referral: dict[str, Any]) -> None:
    send(shop, referral, scene(1))
    other = story.member(shop, name="赵六", phone="13500135000")
    car = story.SAGITAR | {"vin": "LSVAA4183E2000001", "plate": "京B12345"}
    story.ok(shop.post("crm", "/v1/vehicle-ownerships", {"member_id": str(other), **car}))
    theirs = second(shop, owner_name="赵六", owner_phone="13500135000")
    story.confirmed(shop, theirs)
    sent = send(shop, theirs, scene(2))
    assert sent["flags"] == ["licence_of_another_owner"]


def test_the_same_picture_sent_for_two_referrals_at_once_is_new_for_one_only(
    shop: Shop, referral: dict[str, Any]
) -> None:
    two = [referral, second(shop)]
    reused = at_once(2, lambda n: send(shop, two[n], scene(1))["outcome"] == "reused")
    assert reused == {False: 1, True: 1}


def test_the_database_itself_keeps_a_picture_new_for_one_referral_only(
    shop: Shop, referral: dict[str, Any]
) -> None:
    sent, other = send(shop, referral, scene(1)), second(shop)
    copy = text(
        "INSERT INTO licence_photo SELECT gen_random_uuid(), dealer_id, :other, uploaded_by,"
        " uploaded_as, received_at, upload_hash, pixel_hash, gradient_hash, frequency_hash,"
        " outcome, cause, fields, flags, sealed, vin_index, plate_index, reuse_of,"
        " near_duplicate_of FROM licence_photo WHERE id = :photo"
    )
    with (
        pytest.raises(DBAPIError, match="uq_licence_photo"),
        shop.service.database.transaction(shop.dealer_id) as session,
    ):
        session.execute(copy, {"other": other["id"], "photo": sent["id"]})


def test_dealers_know_nothing_of_each_others_photos(
    shop: Shop, other_shop: Shop, referral: dict[str, Any]
) -> None:
    send(shop, referral, scene(1))
    story.owner(other_shop)
    theirs = story.submitted(other_shop)
    assert send(other_shop, theirs, scene(1))["outcome"] == "read"


# What is printed


@pytest.mark.parametrize(
    ("printed", "flags"),
    [
        ({"register_date": "2024-06-01"}, ["licence_dates_impossible"]),
        ({"issue_date": "2031-01-01"}, ["licence_dates_impossible", "issued_after_report"]),
        ({"use_nature": "租赁"}, ["use_nature_other"]),
    ],
)
def test_what_is_odd_on_a_licence_is_shown_to_people(
    shop: Shop, referral: dict[str, Any], eyes: Eyes, printed: dict[str, str], flags: list[str]
) -> None:
    eyes.found = lines_of(replace(ZHANG, **printed))
    sent = send(shop, referral, scene(1))
    dates = sent["fields"]["register_date"]["needs_person"]
    assert (sent["flags"], dates) == (flags, "licence_dates_impossible" in flags)


# The check


def checked(shop: Shop, referral: dict[str, Any], **body: Any) -> dict[str, Any]:
    version = story.read(shop, referral["id"])["version"]
    where = f"/v1/referrals/{referral['id']}/licence-checks"
    return story.ok(shop.post("showroom_manager", where, body, version=version))


def test_a_check_takes_from_the_photo_what_its_manager_leaves_out(
    shop: Shop, referral: dict[str, Any]
) -> None:
    sent = send(shop, referral, scene(1))
    done = checked(shop, referral, photo_id=sent["id"])
    assert (done["passed"], done["photo_id"], done["typed"]) == (True, sent["id"], [])
    assert {done["verdicts"][name] for name in ("vin", "plate_no", "owner_name")} == {"match"}


@pytest.mark.parametrize(
    ("printed", "reason"),
    [
        ({"vin": "LSVAA4183E2000001"}, "licence_vin_mismatch"),
        ({"owner_name": "王五"}, "licence_owner_mismatch"),
        ({"plate_no": "京A54321"}, "licence_plate_mismatch"),
        ({"vin": "LFV2A21K8A3000004"}, "licence_unreadable"),
        ({"plate_no": "京A1234"}, "licence_unreadable"),
    ],
)
def test_another_licence_never_matches(
    shop: Shop, referral: dict[str, Any], eyes: Eyes, printed: dict[str, str], reason: str
) -> None:
    eyes.found = lines_of(replace(ZHANG, **printed))
    sent = send(shop, referral, scene(1))
    done = checked(shop, referral, photo_id=sent["id"])
    (field,) = printed
    assert (done["passed"], done["reason"]) == (False, reason)
    assert done["verdicts"][field] in {"mismatch", "unreadable"}


@pytest.mark.parametrize("found", [[], lines_of(ZHANG)[:1], lines_of(ZHANG, score=0.7)])
def test_a_photo_nobody_can_read_matches_nothing(
    shop: Shop, referral: dict[str, Any], eyes: Eyes, found: list[Any]
) -> None:
    eyes.found = found
    sent = send(shop, referral, scene(1))
    done = checked(shop, referral, photo_id=sent["id"])
    assert (done["passed"], done["reason"]) == (False, "licence_unreadable")
    assert "match" not in {done["verdicts"][name] for name in ("vin", "plate_no", "owner_name")}


def test_what_a_person_typed_goes_before_what_was_read_and_is_noted(
    shop: Shop, referral: dict[str, Any], eyes: Eyes
) -> None:
    eyes.found = lines_of(replace(ZHANG, owner_name="弓长三"))
    sent = send(shop, referral, scene(1))
    done = checked(shop, referral, photo_id=sent["id"], owner_name="张三")
    assert (done["passed"], done["typed"]) == (True, ["owner_name"])


def test_a_reused_photo_fails_the_check_though_everything_agrees(
    shop: Shop, referral: dict[str, Any]
) -> None:
    send(shop, second(shop), scene(1))
    sent = send(shop, referral, scene(1))
    done = checked(shop, referral, photo_id=sent["id"], **story.LICENCE)
    assert (done["passed"], done["reason"]) == (False, "licence_reused")


def test_another_model_on_the_licence_goes_to_review_and_fails_nothing(
    shop: Shop, referral: dict[str, Any], eyes: Eyes
) -> None:
    eyes.found = lines_of(replace(ZHANG, brand_model="大众汽车牌SVW71617MM"))
    sent = send(shop, referral, scene(1))
    done = checked(shop, referral, photo_id=sent["id"])
    assert (done["passed"], done["verdicts"]["model"]) == (True, "mismatch")
    assert done["flags"] == ["licence_model_mismatch"]


@pytest.mark.parametrize("whose", ["another referral's", "nobody's"])
def test_a_check_rests_on_a_photo_of_its_own_referral(
    shop: Shop, referral: dict[str, Any], whose: str
) -> None:
    other = send(shop, second(shop), scene(1))["id"]
    body = {"photo_id": other if whose == "another referral's" else str(uuid.uuid4())}
    answer = shop.post(
        "showroom_manager",
        f"/v1/referrals/{referral['id']}/licence-checks",
        body,
        version=referral["version"],
    )
    assert refused(answer) == (404, "licence_photo_not_found")


# Its end


def test_a_picture_is_erased_half_a_year_after_the_end_and_its_reading_stays(
    shop: Shop, referral: dict[str, Any], clock: TestClock
) -> None:
    sent = send(shop, referral, scene(1))
    running = send(shop, second(shop), scene(2))
    cancelled = {
        "external_ref": {"source": "crm", "id": "X"},
        "kind": "cancellation",
        "order_no": "DD-7",
        "occurred_at": story.now(shop),
    }
    story.ok(shop.post("crm", "/v1/sale-events", cancelled))
    for days, erased in ((179, 0), (2, 1), (0, 0)):
        clock.add(days=days)
        with unit_of_work(shop.service, shop.dealer_id, role=Role.SYSTEM, client="nightly") as uow:
            assert erase_old_photos(uow, limit=10) == erased
    one = f"/v1/licence-photos/{sent['id']}"
    left = story.ok(shop.get("showroom_manager", one), 200)
    assert (left["erased"], left["fields"]["vin"]["value"]) == (True, ZHANG.vin)
    assert refused(shop.post("showroom_manager", f"{one}/views")) == (409, "licence_photo_erased")
    still = story.ok(shop.get("showroom_manager", f"/v1/licence-photos/{running['id']}"), 200)
    assert not still["erased"]


def test_the_document_shows_what_may_be_sent(app: Flask) -> None:
    described = app.test_client().get("/openapi.json").json
    assert described is not None
    operation = described["paths"]["/v1/referrals/{referral_id}/licence-photos"]["post"]
    content = operation["requestBody"]["content"]
    assert set(content) == {"image/jpeg", "image/png", "image/webp"}
    assert content["image/png"]["schema"]["maxLength"] == 5_000_000
