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


def number_of(uow: UnitOfWork, referral: Referral, party: str) -> str:
    """The number to call: the owner's number of record, however lately he changed it."""
    if party == "owner":
        assert referral.owner_id is not None
        return phone_of_record(uow, referral.owner_id)
    return uow.open(referral.buyer_phone, column="referral.buyer_phone", row=referral.id)
