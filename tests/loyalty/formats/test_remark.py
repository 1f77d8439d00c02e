"""Reasons say what happened: a phone number, a VIN or a plate typed into one is noticed."""

import pytest

from loyalty.formats.remark import looks_personal


@pytest.mark.parametrize(
    "reason",
    [
        "请回电13800138000",
        "电话１３８００１３８０００未接通",
        "landline 020-8765432",
        "车架号LFV3A23C8K3000001登记有误",
        "vin lfv3a23c8k3000001",
        "ＬＦＶ３Ａ２３Ｃ８Ｋ３０００００１",
        "车主京A12345的积分",
        "粤B·D12345补录",
        "粵b d12345 补录",
        "沪A1234学考试车",
        "粤Z1234港过户",
    ],
)
def test_what_points_to_a_person_is_noticed(reason: str) -> None:
    assert looks_personal(reason)


@pytest.mark.parametrize(
    "reason",
    [
        "系统故障期间过期",
        "2026-11-01 活动补发 500 分",
        "order SO-123456 was billed twice",
        "misunderstandings about the campaign",
        "MISUNDERSTANDINGS ABOUT THE CAMPAIGN",
        "新A4样本车型改款补贴",
        "京东订单重复入账",
        "客户投诉三级，按 B12 流程补偿",
        "",
    ],
)
def test_what_happened_may_be_said(reason: str) -> None:
    assert not looks_personal(reason)
