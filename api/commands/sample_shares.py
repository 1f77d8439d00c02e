"""How often names, cars, colours and documents occur in the sample data: shares, not facts.

Changing a share changes every sample file of every seed; nothing else may depend on these.
"""

from typing import Final, Literal, NamedTuple

Power = Literal["petrol", "hybrid", "battery"]


class Model(NamedTuple):
    """A car model (车型): how its VIN looks, since which year it is sold, its price in yuan."""

    name: str
    wmi: str
    vds: str
    plant: str
    power: Power
    since: int
    price_from: int
    price_to: int


MODELS: Final = {
    Model("速腾", "LFV", "2A21K", "3", "petrol", 2006, 98_900, 169_900): 17,  # Sagitar
    Model("迈腾", "LFV", "3A23C", "3", "petrol", 2007, 149_900, 249_900): 13,  # Magotan
    Model("捷达VS5", "LFV", "2B15G", "3", "petrol", 2019, 74_900, 118_900): 6,  # Jetta
    Model("高尔夫", "LFV", "2B25G", "3", "petrol", 2010, 109_900, 229_900): 9,  # Golf
    Model("宝来", "LFV", "2A11K", "3", "petrol", 2008, 79_900, 149_900): 8,  # Bora
    Model("探岳", "LFV", "3B24N", "3", "petrol", 2018, 159_900, 259_900): 6,  # Tayron
    Model("ID.4 CROZZ", "LFV", "VB9E6", "3", "battery", 2021, 149_900, 293_900): 4,
    Model("朗逸", "LSV", "NV218", "2", "petrol", 2008, 79_900, 149_900): 14,  # Lavida
    Model("途观L", "LSV", "XZ25N", "2", "petrol", 2017, 186_800, 286_800): 9,  # Tiguan
    Model("帕萨特", "LSV", "CE2NP", "2", "petrol", 2011, 149_900, 249_900): 7,  # Passat
    Model("途观L PHEV", "LSV", "XZ65N", "2", "hybrid", 2018, 259_900, 285_900): 2,
    Model("ID.3", "LSV", "FA6E1", "2", "battery", 2021, 119_900, 183_900): 4,
    Model("伊兰特", "LBE", "RGABC", "8", "petrol", 2008, 89_800, 149_800): 2,  # Hyundai Elantra
    Model("轩逸", "LGB", "H52E0", "Y", "petrol", 2006, 86_900, 174_900): 2,  # Nissan Sylphy
    Model("卡罗拉", "LFM", "A3E4B", "0", "petrol", 2007, 79_800, 159_800): 2,  # Toyota Corolla
    Model("秦PLUS DM-i", "LGX", "C74C4", "0", "hybrid", 2021, 79_800, 145_800): 2,  # BYD Qin
    Model("Model 3", "LRW", "3E7FA", "C", "battery", 2020, 231_900, 339_900): 1,
}
COLOURS: Final = {
    "白色": 40, "黑色": 20, "灰色": 15, "银色": 9, "蓝色": 7, "红色": 5, "棕色": 2, "绿色": 1,
    "金色": 1,
}  # fmt: skip
USE_NATURES: Final = {"非营运": 94, "预约出租客运": 3, "租赁": 2, "营转非": 1}
MANUAL_PERCENT: Final = 12

SURNAMES: Final = {
    "王": 72, "李": 72, "张": 68, "刘": 54, "陈": 46, "杨": 31, "黄": 23, "赵": 22, "吴": 20,
    "周": 20, "徐": 15, "孙": 15, "马": 13, "朱": 13, "胡": 12, "郭": 12, "何": 11, "高": 10,
    "林": 10, "罗": 9, "郑": 9, "梁": 9, "谢": 8, "宋": 7, "唐": 7, "许": 7, "韩": 6, "冯": 6,
    "邓": 6, "曹": 6, "彭": 5, "曾": 5, "肖": 5, "田": 5, "董": 5, "袁": 4, "潘": 4, "于": 4,
    "蒋": 4, "蔡": 4, "余": 4, "杜": 4, "叶": 3, "程": 3, "苏": 3, "魏": 3, "吕": 3, "丁": 3,
    "任": 3, "沈": 3, "欧阳": 1, "司马": 1, "上官": 1,
}  # fmt: skip
GIVEN_CHARACTERS: Final = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰玲红建国志文斌辉鹏飞宇浩然子轩梓涵欣怡佳雪梅"
    "思琪雨晨婷博瑞凯俊豪嘉诚天翔晓东海波永健成林峰云清倩雯琳莉萍淑珍春生福荣庆祥"
)
MINORITY_GIVEN: Final = ("阿依古丽", "古丽娜尔", "艾力", "买买提", "热依汗", "帕提古丽", "吐尔逊")
MINORITY_FAMILY: Final = ("艾合买提", "吐尔逊", "阿不都拉", "玉素甫", "卡德尔", "依明", "肉孜")
OCCUPATIONS: Final = {
    "个体经营": 16, "企业职员": 22, "工程师": 10, "教师": 9, "公务员": 8, "医生": 5, "护士": 4,
    "销售": 9, "会计": 4, "司机": 4, "律师": 2, "设计师": 3, "自由职业": 5, "退休": 6, "工人": 8,
    "农民": 3,
}  # fmt: skip
MOBILE_PREFIXES: Final = {
    "138": 12, "139": 12, "137": 9, "136": 9, "135": 8, "150": 6, "151": 5, "158": 6, "159": 6,
    "186": 7, "185": 4, "130": 4, "131": 3, "133": 4, "189": 5, "180": 4, "188": 4, "177": 2,
    "199": 2, "166": 1, "170": 1,
}  # fmt: skip

HOMES: Final = (
    ("沪", "ABCDEFGHJKLMN", "苏浙皖"),
    ("苏", "ABCDEFGHJKLMN", "沪浙皖鲁"),
    ("浙", "ABCDEFGHJKL", "沪苏闽赣"),
    ("粤", "ABCDEFGHJKLMNPQRSTUVWXY", "桂湘闽"),
    ("川", "ABCDEFHJKLMQRSTUVWXYZ", "渝贵云"),
    ("鲁", "ABCDEFGHJKLMNPQRSUVWY", "冀豫苏"),
    ("京", "ABCDEFGHJKLMNPQ", "津冀"),
)
SERIALS: Final = {
    "99999": 20, "A9999": 18, "9A999": 16, "99A99": 12, "AA999": 12, "9999A": 12, "A999A": 10,
}  # fmt: skip
ENERGY_LETTERS: Final[dict[Power, dict[str, int]]] = {
    "battery": {"D": 70, "A": 15, "B": 8, "C": 4, "E": 3},
    "hybrid": {"F": 75, "G": 12, "H": 7, "J": 4, "K": 2},
}
KINDS: Final = {"service_order": 66, "accessory_sale": 16, "insurance_renewal": 18}
VISIT_WEIGHTS: Final = {1: 40, 2: 25, 3: 20, 6: 15}
SERVICE_PAYERS: Final = {"customer": 78, "warranty": 13, "insurer": 9}
YUAN: Final = {
    ("service_order", "customer"): {(280, 900): 62, (900, 2_500): 28, (2_500, 8_000): 10},
    ("service_order", "warranty"): {(150, 1_200): 75, (1_200, 6_000): 25},
    ("service_order", "insurer"): {(800, 4_000): 70, (4_000, 25_000): 30},
    ("accessory_sale", "customer"): {(60, 600): 70, (600, 4_500): 30},
    ("insurance_renewal", "customer"): {(2_300, 4_500): 70, (4_500, 9_500): 30},
}
