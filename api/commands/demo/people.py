"""Who plays in the stories, what they own, and what one can tell of the other on the phone.

A reader would break this by letting anybody here know more than he would in the shop.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a person can say of another. Without a `car` he believes whatever he is told of it."""

    car: str | None
    gearbox: str
    words: Mapping[str, str]

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """What he says to a question of the call desk, as the agent (回访人员) records it."""
        heard = question["text_zh"]
        if question["input"] == "confirm_or_correct":
            true = self.car is None or self.car in heard or self.gearbox in heard
            said, text = ("confirmed", "对，没错") if true else ("denied", f"不是，是{self.car}")
        else:
            known = [words for topic, words in self.words.items() if topic in heard]
            said, text = ("answered", known[0]) if known else ("dont_know", "")
        return {"position": question["position"], "said": said, "text": text or None}


@dataclass(frozen=True, slots=True)
class Buyer:
    """A buyer (购车人) and what the consultant and the CRM write down about him."""

    name: str
    phone: str
    occupation: str
    relation: str
    relation_code: str
    order_no: str
    car: Mapping[str, str]

    @property
    def model(self) -> str:
        """The model (车型) he buys."""
        return self.car["model"]


OWNER_NAME, OWNER_PHONE = "张三", "13800138000"
LICENCE = {"plate_no": "京A12345", "owner_name": OWNER_NAME, "vin": "LFV2A21K8A3000001"}
"""What is printed on 张三's vehicle licence (行驶证)."""
ZHANG_SAN = Knowledge(
    car="白色速腾",
    gearbox="自动挡",
    words={
        "谁推荐": "我同事张三",
        "做什么": "他是做建材的",
        "变速箱": "自动挡的",
        "车牌": "北京的，京牌",
        "哪一年": "2024年买的",
        "关系": "我们是同事",
        "多久": "认识五年了",
    },
)
"""What a colleague knows of 张三."""

LI_SI_BUYER = Buyer(
    name="李四",
    phone="13900139000",
    occupation="教师",
    relation="同事",
    relation_code="colleague",
    order_no="DD-2026-0007",
    car={
        "vin": "LFV2B25G7R5000011",
        "model": "高尔夫",
        "colour": "红色",
        "transmission": "manual",
        "invoice_no": "FP-2026-0007",
    },
)
LI_SI = Knowledge(
    car="红色高尔夫",
    gearbox="手动挡",
    words={
        "哪位朋友": "我同事李四",
        "做什么": "他是中学老师",
        "变速箱": "手动挡的",
        "关系": "我们是同事",
    },
)
"""What a colleague knows of 李四."""

WANG_WU_BUYER = Buyer(
    name="王五",
    phone="13700137000",
    occupation="护士",
    relation="朋友",
    relation_code="friend",
    order_no="DD-2026-0008",
    car={
        "vin": "LFV2B25G9R5000012",
        "model": "宝来",
        "colour": "灰色",
        "transmission": "automatic",
        "invoice_no": "FP-2026-0008",
    },
)
STRANGER = Knowledge(
    car=None,
    gearbox="",
    words={
        "谁推荐": "张三推荐的",
        "哪位朋友": "我推荐了王五",
        "做什么": "好像是开饭店的",
        "变速箱": "手动挡吧",
        "车牌": "广东的吧",
        "哪一年": "2012年吧",
        "关系": "算是邻居吧",
        "多久": "刚认识",
    },
)
"""What 张三 and 王五, who never met, tell of one another: a name they were told, and guesses."""

ZHAO_LIU_BUYER = Buyer(
    name="赵六",
    phone="13600136000",
    occupation="司机",
    relation="邻居",
    relation_code="neighbour",
    order_no="DD-2026-0009",
    car={},
)
