"""Demonstration data: two dealers, a person in every role, the owner 张三, gifts, the sample feed.

Written through the same use cases as everything else; run again, it changes nothing.
"""

from datetime import date
from pathlib import Path
from uuid import UUID

import click

from api.commands.feed import import_file
from api.commands.programme import seed_programme
from api.commands.sample import write_sample
from api.commands.work import unit_of_work
from api.service import Service, build_service
from kernel.database import owner_session
from kernel.errors import NotFound
from kernel.settings import Settings
from kernel.unit_of_work import UnitOfWork
from loyalty.dealers.open_dealer import find_dealer, open_dealer
from loyalty.dealers.roles import Role
from loyalty.dealers.staff import add_staff
from loyalty.earning.document import Document
from loyalty.earning.rules.rule import DocumentKind
from loyalty.earning.rules.standard import Line, Payer
from loyalty.earning.take_document import take_document
from loyalty.feed.rows import FeedKind
from loyalty.members.enroll import Enrolment, enroll
from loyalty.members.queries import find_reference
from loyalty.members.vehicles import OwnedVehicle, add_ownership
from loyalty.rewards.catalogue import offer_reward

DEALERS = {"north": "北方大众4S店", "south": "南方大众4S店"}
STAFF = {
    "S-001": ("销售顾问甲", Role.CONSULTANT, "sales-a"),
    "S-002": ("销售顾问乙", Role.CONSULTANT, "sales-b"),
    "S-003": ("值班经理", Role.DUTY_MANAGER, "office"),
    "S-004": ("展厅经理甲", Role.SHOWROOM_MANAGER, "office"),
    "S-005": ("展厅经理乙", Role.SHOWROOM_MANAGER, "office"),
    "S-006": ("回访人员甲", Role.CALLBACK_AGENT, "call-desk"),
    "S-007": ("服务前台", Role.SERVICE_DESK, "service"),
    "S-008": ("财务", Role.FINANCE, "office"),
    "S-009": ("店管理员", Role.DEALER_ADMIN, "office"),
    "S-010": ("项目管理员", Role.PROGRAMME_ADMIN, "office"),
    "S-011": ("审计", Role.AUDITOR, "office"),
    "S-012": ("回访人员乙", Role.CALLBACK_AGENT, "call-desk"),
    "S-013": ("回访人员丙", Role.CALLBACK_AGENT, "call-desk"),
    "S-014": ("展厅经理丙", Role.SHOWROOM_MANAGER, "office"),
}
REWARDS = (
    ("CAR-WASH", "精洗一次", "One detailed wash", 150, 200),
    ("TEA-SET", "茶具一套", "A tea set", 800, 20),
    ("OIL-CHANGE", "保养抵用券", "A maintenance voucher", 2_000, 50),
)
SAMPLE = (FeedKind.MEMBERS, FeedKind.VEHICLES, FeedKind.DOCUMENTS)
ZHANG_SAN = Enrolment("crm", "C-ZHANGSAN", "张三", "13800138000", date(2024, 5, 1), "建材")
SAGITAR = OwnedVehicle(
    "LFV2A21K8A3000001", "京A12345", "速腾", "白色", "automatic", "非营运", date(2024, 5, 1)
)


def seed_demo(settings: Settings, home: Path, *, members: int) -> None:
    """Load the demonstration data that is not there yet, with `members` invented members each."""
    service = build_service(settings)
    for code, name in DEALERS.items():
        _people_and_rewards(service, _dealer(settings, code, name))
        for kind, file in _sample(service, code, home / "sample", members).items():
            click.echo(f"sample: {code} {kind}")
            import_file(service, kind=kind, file=file, dealer=code)
    service.database.dispose()


def _dealer(settings: Settings, code: str, name: str) -> UUID:
    with owner_session(settings.database_url) as session:
        try:
            return find_dealer(session, code)
        except NotFound:
            return open_dealer(session, code=code, name=name, timezone="Asia/Shanghai")


def _people_and_rewards(service: Service, dealer_id: UUID) -> None:
    """All in one transaction, so 张三 being there says that everything is."""
    with unit_of_work(service, dealer_id, role=Role.SYSTEM, client="demo") as uow:
        if _is_seeded(uow):
            return
        people = {
            role: add_staff(uow, staff_no=number, name=name, phone=None, roles=[role], team=team)
            for number, (name, role, team) in STAFF.items()
        }
        rewards = {
            code: offer_reward(
                uow, code=code, name_zh=name_zh, name_en=name_en, points=points, stock=stock
            )
            for code, name_zh, name_en, points, stock in REWARDS
        }
        seed_programme(
            uow,
            author=people[Role.DEALER_ADMIN],
            publisher=people[Role.PROGRAMME_ADMIN],
            rewards=rewards,
        )
        _zhang_san(uow)


def _is_seeded(uow: UnitOfWork) -> bool:
    try:
        find_reference(uow.session, uow.dealer_id, ZHANG_SAN.source, ZHANG_SAN.external_id)
    except NotFound:
        return False
    return True


def _zhang_san(uow: UnitOfWork) -> None:
    member_id = enroll(uow, ZHANG_SAN)
    add_ownership(uow, member_id, SAGITAR)
    line = Line(Payer.CUSTOMER, 128_000)
    take_document(
        uow,
        Document("crm", "SO-1", DocumentKind.SERVICE_ORDER, member_id, uow.today, [line]),
    )


def _sample(service: Service, dealer: str, folder: Path, members: int) -> dict[FeedKind, Path]:
    """The dealer's files. Written whole and once: a later day would write other ones."""
    if not (folder / dealer).exists():
        write_sample(
            folder / f"{dealer}.part",
            dealer=dealer,
            members=members,
            seed=sorted(DEALERS).index(dealer),
            today=service.clock().date(),
        )
        (folder / f"{dealer}.part").rename(folder / dealer)
    return {kind: folder / dealer / f"{kind}.csv" for kind in SAMPLE}
