"""Vehicle licences (行驶证) drawn for tests and the bench, and what happens to them in a camera.

The words are the printed ones; people, plates and numbers are made up.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from api.routes import Operation
from loyalty.formats import vin
from referral.evidence.lines import Line

FONTS = (
    "SimHei.ttf",
    "NotoSansCJKsc-Regular.otf",
    "SourceHanSerifSC-Regular.otf",
    "NotoSerifCJKsc-Regular.otf",
    "SourceHanMonoSC-Regular.otf",
)
WIDTH, HEIGHT = 1200, 820
PAPER, INK, PRINT, SEAL = (232, 240, 246), (40, 60, 90), (20, 20, 24), (200, 60, 60)


@dataclass(frozen=True)
class Printed:
    """What a licence says."""

    plate_no: str = "京A12345"
    vehicle_type: str = "小型轿车"
    owner_name: str = "张三"
    address: str = "北京市海淀区中关村南大街5号"
    use_nature: str = "非营运"
    brand_model: str = "大众牌FV7146BBDBG"
    vin: str = "LFV2A21K8A3000001"
    engine_no: str = "CFB123456"
    register_date: str = "2024-05-01"
    issue_date: str = "2024-05-03"


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(files("mplfonts") / "fonts" / name), size)


_ROWS = (
    (150, (("plate_no", "号牌号码", "Plate No.", 60), ("vehicle_type", "车辆类型", "Type", 640))),
    (235, (("owner_name", "所有人", "Owner", 60),)),
    (320, (("address", "住址", "Address", 60),)),
    (405, (("use_nature", "使用性质", "Use", 60), ("brand_model", "品牌型号", "Model", 520))),
    (490, (("vin", "车辆识别代号", "VIN", 380),)),
    (575, (("engine_no", "发动机号码", "Engine No.", 380),)),
    (
        660,
        (
            ("register_date", "注册日期", "Register Date", 380),
            ("issue_date", "发证日期", "Issue Date", 790),
        ),
    ),
)


def draw(printed: Printed, *, font: str = FONTS[0]) -> Image.Image:
    """The main page of a licence as a scanner would see it."""
    page = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = ImageDraw.Draw(page)
    pen.rounded_rectangle((8, 8, WIDTH - 8, HEIGHT - 8), 24, outline=INK, width=3)
    pen.text((210, 40), "中华人民共和国机动车行驶证", INK, _font(font, 56))
    for top, cells in _ROWS:
        for name, label, english, left in cells:
            size = 28
            pen.text((left, top), label, INK, _font(font, size))
            pen.text((left, top + 36), english, INK, _font(font, 16))
            start = left + size * len(label) + 30
            pen.text((start, top - 6), getattr(printed, name), PRINT, _font(font, 38))
        pen.line((50, top + 62, WIDTH - 50, top + 62), INK, 1)
    pen.rectangle((70, 510, 320, 760), outline=SEAL, width=6)
    for row, words in enumerate(("北京市公", "安局公安", "交通管理局")):
        pen.text((90, 540 + 64 * row), words, SEAL, _font(font, 42))
    return page


def pen_on(page: Image.Image) -> Callable[[str, int, int, int], None]:
    """Writes words in black at a place in a size."""
    pen = ImageDraw.Draw(page)

    def write(words: str, x: int, y: int, size: int) -> None:
        pen.text((x, y), words, "black", _font(FONTS[0], size))

    return write


def on_table(page: Image.Image, *, angle: float = 0, margin: float = 0.08) -> Image.Image:
    """The licence lying on a table, turned by so many degrees."""
    turned = page.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=(96, 84, 72))
    edge = int(margin * page.width)
    size = (turned.width + 2 * edge, turned.height + 2 * edge)
    table = Image.new("RGB", size, (96, 84, 72))
    table.paste(turned, (edge, edge))
    return table


def noisy(page: Image.Image, *, strength: float, seed: int) -> Image.Image:
    """Grain of a cheap camera: `strength` 0 to 1."""
    grain = Image.frombytes("L", page.size, random.Random(seed).randbytes(page.width * page.height))
    return Image.blend(page, Image.merge("RGB", (grain, grain, grain)), strength)


def blurred(page: Image.Image, *, radius: float) -> Image.Image:
    return page.filter(ImageFilter.GaussianBlur(radius))


def brighter(page: Image.Image, *, factor: float) -> Image.Image:
    return ImageEnhance.Brightness(page).enhance(factor)


def scaled(page: Image.Image, *, factor: float) -> Image.Image:
    size = (round(page.width * factor), round(page.height * factor))
    return page.resize(size, Image.Resampling.LANCZOS)


def cropped(page: Image.Image, *, share: float) -> Image.Image:
    """Without this share of each side."""
    x, y = round(page.width * share), round(page.height * share)
    return page.crop((x, y, page.width - x, page.height - y))


def encoded(page: Image.Image, kind: str = "JPEG", *, quality: int = 90) -> bytes:
    """The bytes of a file."""
    out = BytesIO()
    page.save(out, kind, quality=quality)
    return out.getvalue()


def dot() -> bytes:
    """The smallest picture there is: taken in, too small to be read."""
    return encoded(Image.new("RGB", (1, 1), "white"), "PNG")


def sample(operation: Operation) -> Any:
    """A valid body for an operation: a picture where it takes one, else its example."""
    return dot() if operation.prepare else operation.example


def lines_of(printed: Printed, *, score: float = 0.99) -> list[Line]:
    """What an engine finds on the licence: every label and every value as a line."""
    found = [_line("中华人民共和国机动车行驶证", 210, 40, 730, score)]
    for top, cells in _ROWS:
        for name, label, _, left in cells:
            start = left + 28 * len(label) + 30
            found.append(_line(label, left, top, 28 * len(label), score))
            found.append(_line(getattr(printed, name), start, top - 4, 300, score))
    return found


def _line(text: str, x: float, y: float, width: float, score: float) -> Line:
    return Line(text, score, ((x, y), (x + width, y), (x + width, y + 40), (x, y + 40)))


@dataclass
class Eyes:
    """An engine that finds what it was told lies before it, and counts how often it was asked."""

    found: list[Line]
    asked: int = 0

    def lines(self, jpeg: bytes) -> list[Line]:
        assert jpeg[:2] == b"\xff\xd8"
        self.asked += 1
        return self.found


def somebody(dice: random.Random) -> Printed:
    """A licence of somebody made up; its VIN has the right check digit."""
    digits = "".join(dice.choices("0123456789", k=6))
    maker = dice.choice(("LFV", "LSV", "LBE", "LHG", "LVG"))
    middle = "".join(dice.choices("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", k=5))
    plain = f"{maker}{middle}0{dice.choice('ABCDEFGHJKLMNPR')}{dice.choice('123ABS')}{digits}"
    number = plain[:8] + vin.check_digit(plain) + plain[9:]
    registered = f"{dice.randint(2012, 2025)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
    serial = "".join(dice.choices("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789", k=2)) + digits[:3]
    return replace(
        Printed(),
        plate_no=dice.choice("京沪粤苏浙鲁川鄂湘闽") + dice.choice("ABCDEFGH") + serial,
        vehicle_type=dice.choice(("小型轿车", "小型普通客车", "小型越野客车")),
        owner_name=dice.choice("王李张刘陈杨赵黄周吴")
        + "".join(dice.choices("伟芳娜敏静丽强磊军洋艳勇杰娟涛明超秀霞平", k=dice.randint(1, 2))),
        brand_model=dice.choice(("大众汽车牌SVW7", "大众牌FV7", "北京现代牌BH7", "本田牌DHW7"))
        + digits[:3]
        + "".join(dice.choices("ABCDEFGHM", k=3)),
        vin=number,
        engine_no="".join(dice.choices("ABCDEFGH", k=3)) + digits,
        register_date=registered,
        issue_date=registered,
    )
