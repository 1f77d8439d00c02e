"""Name and number of the two parties (买主、老车主), as they stand on record."""

from kernel.unit_of_work import UnitOfWork
from loyalty.members import queries as members
from loyalty.members.phones import phone_of_record
from referral.models import Referral


def name_of(uow: UnitOfWork, referral: Referral, party: str) -> str:
    """The name of buyer or owner as recorded."""
    if party == "owner":
        assert referral.owner_id is not None
        return members.get_member(uow, referral.owner_id).name
    return uow.open(referral.buyer_name, column="referral.buyer_name", row=referral.id)


def phones_of(uow: UnitOfWork, referral: Referral) -> set[bytes]:
    """The blind indexes of every number by which the parties are known: the owner's present one,
    and the one of record while it cools off."""
    assert referral.owner_id is not None
    present = members.get_member(uow, referral.owner_id).phone_index
    of_record = uow.blind(phone_of_record(uow, referral.owner_id), column="phone")
    return {referral.buyer_phone_index, present, of_record}


def number_of(uow: UnitOfWork, referral: Referral, party: str) -> str:
    """The number to call: the owner's number of record, however lately he changed it."""
    if party == "owner":
        assert referral.owner_id is not None
        return phone_of_record(uow, referral.owner_id)
    return uow.open(referral.buyer_phone, column="referral.buyer_phone", row=referral.id)
