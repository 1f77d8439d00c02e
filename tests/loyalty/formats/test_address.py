"""How a person is spoken of, and what a mask shows, to those who may not know the whole name."""

import pytest

from loyalty.formats import address


@pytest.mark.parametrize(
    ("name", "spoken", "masked"),
    [
        ("张三", "张", "张*"),
        ("欧阳娜娜", "欧阳", "欧阳*"),
        ("阿依古丽·艾合买提", "阿", "阿*"),
        ("Zhang San", "Zhang", "Z*"),
        ("Madonna", "M", "M*"),
        ("Élodie", "É", "É*"),
        ("Élodie Petit", "É", "É*"),
    ],
)
def test_no_given_name_is_let_through(name: str, spoken: str, masked: str) -> None:
    assert address.addressed_zh(name) == f"{spoken}先生/女士"
    assert address.addressed_en(name) == f"Mr/Ms {spoken}"
    assert address.masked(name) == masked
