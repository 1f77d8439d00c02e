"""A picture taken in, its fields read and repaired, near pictures told apart: no server, no OCR."""

import math
import random
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kernel.errors import RuleViolation
from referral.evidence import lines, near, photo
from referral.evidence.announced import compare_model, trade_name
from referral.evidence.fields import FIELDS, Source, shaped
from referral.evidence.lines import Line
from referral.evidence.reading import Cause, Outcome, read
from referral.evidence.signals import printed_signals
from referral.evidence.vendors import Vendor, from_vendor
from tests.support import licence_pictures as pictures

ZHANG = pictures.Printed()
TRUE = {name: getattr(ZHANG, name) for name in FIELDS}


def values(found: Any) -> dict[str, str]:
    return {name: each.value for name, each in found.fields.items()}


def turned(found: list[Line], degrees: float) -> list[Line]:
    """The same lines on a picture turned clockwise; corners from the top left of the picture."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    lying = []
    for line in found:
        there = [(x * cos - y * sin, x * sin + y * cos) for x, y in line.corners]
        first = min(range(4), key=lambda corner: sum(there[corner]))
        lying.append(replace(line, corners=tuple(there[first:] + there[:first])))
    return lying


# Taking a picture in


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_kept_as_a_jpeg_without_anything_else_in_it(kind: str) -> None:
    page = pictures.draw(ZHANG)
    secret = Image.Exif()
    secret[0x010E] = "GPS 39.9 116.4 of the house"
    out = BytesIO()
    page.save(out, kind, exif=secret.tobytes())
    taken = photo.take_in(out.getvalue())
    assert b"GPS" in out.getvalue()
    assert taken.jpeg[:3] == b"\xff\xd8\xff"
    assert b"GPS" not in taken.jpeg
    assert b"Exif" not in taken.jpeg
    with Image.open(BytesIO(taken.jpeg)) as kept:
        assert (kept.size, kept.format, dict(kept.getexif())) == (page.size, "JPEG", {})


def test_the_way_the_camera_was_held_is_applied_before_it_is_forgotten() -> None:
    held = Image.Exif()
    held[0x0112] = 6
    out = BytesIO()
    Image.new("RGB", (400, 300), "red").save(out, "JPEG", exif=held.tobytes())
    with Image.open(BytesIO(photo.take_in(out.getvalue()).jpeg)) as kept:
        assert kept.size == (300, 400)


def test_a_large_picture_is_made_small_enough_to_keep() -> None:
    taken = photo.take_in(pictures.encoded(Image.new("RGB", (5000, 2500), "white")))
    with Image.open(BytesIO(taken.jpeg)) as kept:
        assert kept.size == (2400, 1200)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be enormous."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + data + chunk(b"IEND", b"")


def moving() -> bytes:
    out = BytesIO()
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    return out.getvalue()


GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01"


@pytest.mark.parametrize(
    ("upload", "code"),
    [
        (b"", "image_format_unknown"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image_format_unknown"),
        (b"%PDF-1.7", "image_format_unknown"),
        (GIF, "image_format_unknown"),
        (pictures.encoded(Image.new("RGB", (9, 9)))[:200], "image_broken"),
        (pictures.encoded(pictures.draw(ZHANG), "PNG")[:5000], "image_broken"),
        (bomb(7000, 7000), "image_too_many_pixels"),
        (bomb(60_000, 60_000), "image_too_many_pixels"),
        (bomb(50, 50), "image_broken"),
        (moving(), "image_moving"),
    ],
)
def test_what_is_no_whole_still_picture_is_refused_by_name(upload: bytes, code: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        photo.take_in(upload)
    assert refused.value.code == code


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 30))
def test_a_picture_with_damaged_bytes_is_taken_or_refused_but_never_falls_over(
    seed: int, hits: int
) -> None:
    dice = random.Random(seed)
    kind = dice.choice(["JPEG", "PNG", "WEBP"])
    raw = bytearray(pictures.encoded(Image.new("RGB", (64, 48), "white"), kind))
    for _ in range(hits):
        raw[dice.randrange(len(raw))] = dice.randrange(256)
    with suppress(RuleViolation):
        assert photo.take_in(bytes(raw)).jpeg[:2] == b"\xff\xd8"


# Near pictures

Change = Callable[[Image.Image], Image.Image]
COPIES: dict[str, Change] = {
    "smaller": lambda page: pictures.scaled(page, factor=0.5),
    "larger": lambda page: pictures.scaled(page, factor=1.5),
    "brighter": lambda page: pictures.brighter(page, factor=1.2),
    "darker": lambda page: pictures.brighter(page, factor=0.75),
    "grainy": lambda page: pictures.noisy(page, strength=0.1, seed=1),
    "blurred": lambda page: pictures.blurred(page, radius=2),
    "cropped": lambda page: pictures.cropped(page, share=0.01),
    "turned": lambda page: page.rotate(1, Image.Resampling.BICUBIC, fillcolor=(96, 84, 72)),
    "compressed": lambda page: Image.open(BytesIO(pictures.encoded(page, quality=30))),
}


def hashes(page: Image.Image) -> tuple[int, int]:
    return near.gradient_hash(page), near.frequency_hash(page)


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES)
def test_a_copy_of_a_photo_stays_near_it(change: Change) -> None:
    page = pictures.on_table(pictures.draw(ZHANG), angle=2)
    assert near.distance(hashes(page), hashes(change(page))) <= near.NEAR


def test_two_licences_under_one_scanner_are_near_which_is_why_near_alone_proves_nothing() -> None:
    other = pictures.somebody(random.Random(4))
    both = [hashes(pictures.draw(each)) for each in (ZHANG, other)]
    assert near.distance(*both) <= near.NEAR


def test_another_scene_is_not_near() -> None:
    page = pictures.on_table(pictures.draw(ZHANG), angle=2)
    other = page.transpose(Image.Transpose.ROTATE_180)
    assert near.distance(hashes(page), hashes(other)) > near.NEAR


def test_the_hashes_fit_the_databases_signed_numbers() -> None:
    assert near.distance((-1, 0), (0, 0)) == 64
    assert near.distance((-(2**63), 2**63 - 1), (2**63 - 1, -(2**63))) == 128


# Reading


def test_every_field_of_a_clear_licence_is_read_and_the_address_is_not() -> None:
    found = read(pictures.lines_of(ZHANG))
    assert (found.outcome, values(found)) == (Outcome.READ, TRUE)
    assert not any(each.needs_person for each in found.fields.values())
    assert ZHANG.address not in str(values(found))


@pytest.mark.parametrize("tilt", [-20, -5, 3, 15])
def test_a_licence_lying_askew_is_read_along_its_own_rows(tilt: float) -> None:
    assert values(read(turned(pictures.lines_of(ZHANG), tilt))) == TRUE


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("tilt", [-10, 0, 10])
def test_a_picture_on_its_side_or_head_is_noticed(degrees: int, tilt: int) -> None:
    askew = turned(pictures.lines_of(ZHANG), degrees + tilt)
    assert lines.quarters(askew) == (4 - degrees // 90) % 4


def test_label_and_value_in_one_line_are_taken_apart() -> None:
    page = [
        Line("号牌号码京A12345车辆类型 小型轿车", 0.99, ((0, 0), (900, 0), (900, 40), (0, 40))),
        Line("所有人：张三", 0.98, ((0, 90), (300, 90), (300, 130), (0, 130))),
        Line("车辆识别代号 LFV2A21K8A3000001", 0.97, ((0, 180), (700, 180), (700, 220), (0, 220))),
    ]
    assert values(read(page)) == {
        "plate_no": "京A12345",
        "vehicle_type": "小型轿车",
        "owner_name": "张三",
        "vin": "LFV2A21K8A3000001",
    }


@pytest.mark.parametrize(
    ("name", "seen", "value", "sure"),
    [
        ("vin", "LFV2A21K8A3000001", "LFV2A21K8A3000001", True),
        ("vin", "LFV2A21K8A3OOOOO1", "LFV2A21K8A3000001", True),
        ("vin", "LFV2AZ1K8A3000001", "LFV2A21K8A3000001", False),
        ("vin", "LFV2A21KBA3000001", "LFV2A21K8A3000001", False),
        ("vin", "LFV2A21K8A3000004", "LFV2A21K8A3000004", False),
        ("vin", "LFV2A21K8A30001", "LFV2A21K8A30001", False),
        ("plate_no", "京A·12345", "京A12345", True),
        ("plate_no", "京8I234O", "京B12340", True),
        ("plate_no", "京B1234O", "京B12340", True),
        ("plate_no", "京A1234", "京A1234", False),
        ("plate_no", "沪AD12345", "沪AD12345", True),
        ("register_date", "2024-O5-0I", "2024-05-01", True),
        ("register_date", "2024年5月1日", "2024-05-01", True),
        ("owner_name", "阿卜杜拉·买买提", "阿卜杜拉·买买提", True),
        ("owner_name", "张", "张", False),
        ("use_nature", "非營運", "非营运", True),
        ("use_nature", "非菅运", "非菅运", False),
        ("engine_no", "cfb 123456", "CFB123456", True),
        ("brand_model", "大众汽车牌SVW71617MM", "大众汽车牌SVW71617MM", True),
    ],
)
def test_a_field_is_repaired_only_where_one_repair_is_possible(
    name: str, seen: str, value: str, sure: bool
) -> None:
    found = shaped(name, seen, score=0.99, source=Source.OCR)
    assert found is not None
    assert (found.value, not found.needs_person) == (value, sure)


@pytest.mark.parametrize(("name", "seen"), [("register_date", "2024-13-01"), ("owner_name", "--")])
def test_what_has_no_value_left_is_no_field(name: str, seen: str) -> None:
    assert shaped(name, seen, score=0.99, source=Source.OCR) is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_a_vin_with_two_possible_repairs_is_left_to_a_person(seed: int) -> None:
    """Whatever is repaired differs from what was seen in twins only, and is valid."""
    dice = random.Random(seed)
    true = pictures.somebody(dice).vin
    place = dice.choice([at for at, letter in enumerate(true) if letter in "B8S5Z2"] or [16])
    twin = dict(zip("B8S5Z2", "8B5S2Z", strict=True)).get(true[place], true[place])
    found = shaped("vin", true[:place] + twin + true[place + 1 :], score=1, source=Source.OCR)
    assert found is not None
    assert found.value == true or found.needs_person or twin == true[place]


def test_a_faint_field_goes_to_a_person() -> None:
    found = read(pictures.lines_of(ZHANG, score=0.79))
    assert all(each.needs_person for each in found.fields.values())


CARD = ["中华人民共和国居民身份证", "姓名 张三", "公民身份号码", "住址 北京市海淀区"]
DRIVER = ["中华人民共和国机动车驾驶证", "姓名 张三", "准驾车型 C1", "初次领证日期", "住址 北京市"]


@pytest.mark.parametrize(
    ("words", "outcome", "cause"),
    [
        (CARD, "not_a_licence", None),
        (DRIVER, "not_a_licence", None),
        (["本店洗车优惠", "满一百减二十元", "欢迎光临本店"], "not_a_licence", None),
        ([], "unreadable", Cause.NOTHING_FOUND),
        (["号牌", "人"], "unreadable", Cause.NOTHING_FOUND),
        (["中华人民共和国机动车行驶证"], "unreadable", Cause.FIELDS_NOT_FOUND),
    ],
)
def test_what_is_no_readable_licence_says_so(
    words: list[str], outcome: str, cause: Cause | None
) -> None:
    page = [
        Line(text, 0.99, ((0, 50 * n), (400, 50 * n), (400, 50 * n + 40), (0, 50 * n + 40)))
        for n, text in enumerate(words)
    ]
    found = read(page)
    assert (found.outcome, found.cause, found.fields) == (outcome, cause, {})


# What is printed, and what it signals


@pytest.mark.parametrize(
    ("changes", "signals"),
    [
        ({}, []),
        ({"register_date": date(2024, 5, 4)}, ["licence_dates_impossible"]),
        ({"issue_date": date(2027, 1, 1)}, ["licence_dates_impossible", "issued_after_report"]),
        ({"issue_date": date(2026, 11, 22)}, ["issued_after_report"]),
        ({"use_nature": "出租客运"}, ["use_nature_other"]),
        ({"use_nature": None, "issue_date": None}, []),
    ],
)
def test_odd_dates_and_uses_are_signalled(changes: dict[str, Any], signals: list[str]) -> None:
    printed = {
        "use_nature": "非营运",
        "register_date": date(2024, 5, 1),
        "issue_date": date(2024, 5, 3),
    }
    told = {"reported_on": date(2026, 11, 21), "today": date(2026, 11, 22)}
    assert printed_signals(**printed | changes | told) == signals


TABLE = {"SVW7": "帕萨特", "SVW71617": "朗逸"}


@pytest.mark.parametrize(
    ("printed", "known", "verdict"),
    [
        ("大众汽车牌SVW71617MM", "朗逸", "match"),
        ("大众汽车牌SVW71617MM", "速腾", "mismatch"),
        ("奇瑞牌SQR7150", "速腾", "unreadable"),
        ("", "速腾", "unreadable"),
        (None, "速腾", "absent"),
    ],
)
def test_the_announced_model_is_compared_by_the_name_the_car_is_sold_by(
    printed: str | None, known: str, verdict: str
) -> None:
    assert compare_model(printed, known, TABLE) == verdict


def test_a_model_no_table_knows_has_no_trade_name() -> None:
    assert trade_name("大众汽车牌", TABLE) is None
    assert trade_name("svw7180", TABLE) == "帕萨特"


# Vendors

BAIDU = {
    "words_result": {label: {"words": TRUE[name]} for label, name in lines.LABELS.items() if name}
    | {"住址": {"words": "北京市"}}
}
TENCENT = {
    "Response": {
        "FrontInfo": {
            "PlateNo": TRUE["plate_no"],
            "VehicleType": TRUE["vehicle_type"],
            "Owner": TRUE["owner_name"],
            "Address": "北京市",
            "UseCharacter": TRUE["use_nature"],
            "Model": TRUE["brand_model"],
            "Vin": TRUE["vin"],
            "EngineNo": TRUE["engine_no"],
            "RegisterDate": TRUE["register_date"],
            "IssueDate": TRUE["issue_date"],
        },
        "BackInfo": None,
    }
}
FACE = {
    "licensePlateNumber": TRUE["plate_no"],
    "vehicleType": TRUE["vehicle_type"],
    "owner": TRUE["owner_name"],
    "address": "北京市",
    "useNature": TRUE["use_nature"],
    "model": TRUE["brand_model"],
    "vinCode": TRUE["vin"],
    "engineNumber": TRUE["engine_no"],
    "registrationDate": TRUE["register_date"],
    "issueDate": TRUE["issue_date"],
}
ALIYUN = {
    "data": {
        "face": {
            "data": FACE,
            "prism_keyValueInfo": [
                {"key": key, "valueProb": 60 if key == "owner" else 99} for key in FACE
            ],
        }
    }
}
WEIXIN = {
    "plate_num_b": TRUE["plate_no"],
    "vehicle_type": TRUE["vehicle_type"],
    "owner": TRUE["owner_name"],
    "addr": "北京市",
    "use_character": TRUE["use_nature"],
    "model": TRUE["brand_model"],
    "vin": TRUE["vin"],
    "engine_num": TRUE["engine_no"],
    "register_date": TRUE["register_date"],
    "issue_date": TRUE["issue_date"],
}


@pytest.mark.parametrize(
    ("payload", "vendor"),
    [
        (BAIDU, Vendor.BAIDU),
        (TENCENT, Vendor.TENCENT),
        (ALIYUN, Vendor.ALIYUN),
        (WEIXIN, Vendor.WEIXIN),
    ],
    ids=list(Vendor),
)
def test_the_answers_of_public_services_become_one_reading(
    payload: dict[str, Any], vendor: Vendor
) -> None:
    found = from_vendor(payload, vendor)
    assert (found.outcome, values(found)) == (Outcome.READ, TRUE)
    assert {each.source for each in found.fields.values()} == {Source.VENDOR}


def test_a_vendors_own_probability_counts() -> None:
    found = from_vendor(ALIYUN, Vendor.ALIYUN)
    assert (found.fields["vin"].confidence, found.fields["owner_name"].confidence) == (0.99, 0.6)


@pytest.mark.parametrize("payload", [{}, {"words_result": []}, {"error_code": 216200}])
def test_a_vendors_error_is_no_reading(payload: dict[str, Any]) -> None:
    with pytest.raises(RuleViolation, match="vendor_answer_unknown"):
        from_vendor(payload, Vendor.BAIDU)


def test_a_vendor_who_read_nothing_of_use_makes_it_unreadable() -> None:
    assert from_vendor({"words_result": {}}, Vendor.BAIDU).outcome == Outcome.UNREADABLE
