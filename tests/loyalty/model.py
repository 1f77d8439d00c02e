"""The points of a few members as plain objects: the rules of ledger.md told a second time.

Nothing here is fast or clever. `tests/loyalty/test_ledger_machine.py` plays the same acts on this
model and on the ledger; where they differ, one of the two has misread the rules.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

Line = tuple[str, UUID, UUID | None]
"""An account of the books: its name, whose points, and to whom a payable is owed."""


class RefusedError(Exception):
    """What the ledger answers with the same code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Lot:
    """Points of one credit. `remaining` is pending until `activated`, then available."""

    id: UUID
    issuer: UUID
    points: int
    available_at: datetime | None
    expires_at: datetime | None
    awaits: str | None = None
    cancel_at: datetime | None = None
    remaining: int = 0
    held: int = 0
    expired: int = 0
    reinstated: int = 0
    activated: bool = False
    ended: bool = False
    """Its end has been written: it takes nothing back any more."""

    def alive(self, now: datetime) -> bool:
        begun = self.available_at is not None and self.available_at <= now
        return begun and not self.over(now)

    def cancelled(self, now: datetime) -> bool:
        """The event it waits for has not come in time, and it had not ended before."""
        if self.available_at is not None or self.cancel_at is None or self.cancel_at > now:
            return False
        return self.expires_at is None or self.cancel_at <= self.expires_at

    def began_and_ended(self, now: datetime) -> bool:
        """It would have paid a debt the day it began, had anybody looked."""
        if self.activated or self.available_at is None or self.expires_at is None:
            return False
        return self.available_at < self.expires_at <= now

    def was_alive(self) -> bool:
        ends, starts = self.expires_at, self.available_at
        return not self.ended and ends is not None and starts is not None and starts < ends

    def over(self, now: datetime) -> bool:
        return self.ended or (self.expires_at is not None and self.expires_at <= now)


@dataclass
class Hold:
    id: UUID
    parts: list[tuple[Lot, int]]
    ends: datetime
    state: str = "open"

    @property
    def points(self) -> int:
        return sum(points for _, points in self.parts)


@dataclass
class Burn:
    """A redemption or capture, as cancelling needs it: points, lot by lot, and where they went."""

    parts: list[tuple[Lot, int]]
    honoured_by: UUID
    cancelled: bool = False


@dataclass
class Loss:
    """What a clawback wrote off, and the lots it was of."""

    issuer: UUID
    points: int
    lots: frozenset[UUID]


@dataclass
class Charge:
    """What clawbacks of these lots have made the member owe, less what was forgiven."""

    issuer: UUID
    points: int
    lots: frozenset[UUID]


@dataclass
class Member:
    lots: dict[UUID, Lot] = field(default_factory=dict)
    holds: dict[UUID, Hold] = field(default_factory=dict)
    burns: dict[UUID, Burn] = field(default_factory=dict)
    debts: Counter[UUID] = field(default_factory=Counter)
    losses: list[Loss] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    frozen: bool = False

    @property
    def available(self) -> int:
        return sum(lot.remaining for lot in self.lots.values() if lot.activated)

    @property
    def pending(self) -> int:
        return sum(lot.remaining for lot in self.lots.values() if not lot.activated)

    @property
    def held(self) -> int:
        return sum(lot.held for lot in self.lots.values())

    @property
    def arrears(self) -> int:
        return self.debts.total()


class Programme:
    """The members' accounts and, per issuer, what the programme's own accounts gained."""

    def __init__(self, members: Iterable[UUID]) -> None:
        self.members = {member: Member() for member in members}
        self.books: Counter[Line] = Counter()

    def spendable(self, member: UUID, now: datetime) -> int:
        """Lots alive and what overdue holds keep of them, less arrears; no job need have run."""
        who = self.members[member]
        free = sum(lot.remaining for lot in who.lots.values() if lot.alive(now))
        for hold in who.holds.values():
            if hold.state == "open" and hold.ends <= now:
                free += sum(points for lot, points in hold.parts if lot.alive(now))
        paid = sum(lot.remaining for lot in who.lots.values() if lot.began_and_ended(now))
        return max(0, free - max(0, who.arrears - paid))

    def catch_up(self, member: UUID, now: datetime) -> None:
        """Holds run out, pending begins, debts are paid, pending is cancelled, lots expire."""
        who = self.members[member]
        for hold in who.holds.values():
            if hold.state == "open" and hold.ends <= now:
                self._give_back(who, hold, now, used=0)
                hold.state = "expired"
        for lot in who.lots.values():
            begun = lot.available_at is not None and lot.available_at <= now
            lot.activated = lot.activated or (begun and lot.remaining > 0)
        self._settle(who, now, begun=True)
        for lot in who.lots.values():
            if lot.remaining and lot.cancelled(now):
                self._post("reversed", lot.issuer, lot.remaining)
                lot.remaining = 0
        for lot in who.lots.values():
            if lot.remaining and lot.over(now):
                self._lose(lot, lot.remaining)
                lot.remaining, lot.ended = 0, True

    def credit(
        self, member: UUID, lots: Iterable[Lot], now: datetime, *, against: str = "issued"
    ) -> None:
        """Open lots; what the member owes is paid from them at once."""
        who = self.members[member]
        if who.arrears:
            self.catch_up(member, now)
        for lot in lots:
            lot.remaining = lot.points
            lot.activated = lot.available_at is not None and lot.available_at <= now
            who.lots[lot.id] = lot
            self._post(against, lot.issuer, -lot.points)
        self._settle(who, now)

    def burn(self, member: UUID, act: UUID, points: int, honoured_by: UUID, now: datetime) -> None:
        parts = self._spend(member, points, now)
        self._honour(parts, honoured_by)
        self.members[member].burns[act] = Burn(parts, honoured_by)

    def take(self, member: UUID, points: int, now: datetime) -> None:
        """A correction downwards."""
        for lot, share in self._spend(member, points, now):
            self._post("adjusted", lot.issuer, share)

    def hold(self, member: UUID, key: UUID, points: int, ends: datetime, now: datetime) -> None:
        parts = self._spend(member, points, now)
        for lot, share in parts:
            lot.held += share
        self.members[member].holds[key] = Hold(key, parts, ends)

    def capture(
        self, member: UUID, key: UUID, act: UUID, points: int, honoured_by: UUID, now: datetime
    ) -> None:
        """Spend what a hold keeps, in the order of its lots; the rest goes back to them."""
        who = self.members[member]
        hold = self._running(who, key, now)
        if points > hold.points:
            raise RefusedError("capture_exceeds_hold")
        if who.frozen:
            raise RefusedError("account_frozen")
        parts = list(_first(hold.parts, points))
        for lot, share in parts:
            lot.held -= share
        self._honour(parts, honoured_by)
        who.burns[act] = Burn(parts, honoured_by)
        self._give_back(who, hold, now, used=points)
        hold.state = "captured"
        self._settle(who, now)

    def release(self, member: UUID, key: UUID, now: datetime) -> None:
        who = self.members[member]
        hold = self._running(who, key, now)
        self._give_back(who, hold, now, used=0)
        hold.state = "released"
        self._settle(who, now)

    def restore(self, member: UUID, act: UUID, now: datetime) -> None:
        """Cancel a burn: its points return to their lots, or expire at once with a lot over."""
        who = self.members[member]
        if act not in who.burns:
            raise RefusedError("posting_not_found")
        burn = who.burns[act]
        if burn.cancelled:
            raise RefusedError("already_reversed")
        burn.cancelled = True
        self._honour(burn.parts, burn.honoured_by, sign=-1)
        back = {lot.id: 0 if lot.over(now) else points for lot, points in burn.parts}
        for lot, points in burn.parts:
            self._return(lot, points, now)
        self._forgive(who, burn.parts, now)
        self._settle(who, now)
        self._recover(member, back, now)

    def _recover(self, member: UUID, back: Mapping[UUID, int], now: datetime) -> None:
        """What was written off because it was spent is owed when it comes back."""
        who = self.members[member]
        for loss in who.losses:
            came = sum(points for key, points in back.items() if key in loss.lots)
            share = min(loss.points, came, self.spendable(member, now))
            loss.points -= share
            self._charge(who, loss.issuer, share, loss.lots)
            self._post("written_off", loss.issuer, share)
            self._settle(who, now)

    def _charge(self, who: Member, issuer: UUID, points: int, lots: frozenset[UUID]) -> None:
        who.debts[issuer] += points
        who.charges.append(Charge(issuer, points, lots))

    def _charged(self, who: Member, issuer: UUID, lots: frozenset[UUID]) -> int:
        return sum(
            charge.points
            for charge in who.charges
            if charge.issuer == issuer and charge.lots == lots
        )

    def _forgive(self, who: Member, parts: list[tuple[Lot, int]], now: datetime) -> None:
        """Nobody owes for points that came back after their lot's end: they are lost."""
        for lot, points in sorted(parts, key=lambda part: part[0].id):
            if not lot.over(now):
                continue
            for lots in {charge.lots for charge in who.charges if lot.id in charge.lots}:
                share = min(
                    points,
                    lot.expired - lot.reinstated,
                    self._charged(who, lot.issuer, lots),
                    who.debts[lot.issuer],
                )
                if share > 0:
                    lot.expired -= share
                    self._charge(who, lot.issuer, -share, lots)
                    self._post("expired", lot.issuer, -share)

    def claw_back(
        self,
        member: UUID,
        points: int,
        own: Iterable[UUID],
        issuer: UUID,
        now: datetime,
        *,
        arrears: bool,
    ) -> tuple[int, int, int]:
        """Taken from lots, owed, written off: own lots first, pending before available, youngest
        first; then what expired of them; then other lots as a burn takes them; then a debt."""
        self.catch_up(member, now)
        who = self.members[member]
        lots = [who.lots[key] for key in own]
        newest = sorted(lots, key=lambda lot: lot.id, reverse=True)
        taken, rest = 0, points
        for lot in sorted(newest, key=lambda lot: lot.activated):
            share = min(lot.remaining, rest)
            lot.remaining -= share
            self._post("reversed", lot.issuer, share)
            taken, rest = taken + share, rest - share
        for lot in sorted(lots, key=lambda lot: lot.id):
            share = min(lot.expired - lot.reinstated, rest)
            lot.expired -= share
            self._post("reversed", lot.issuer, share)
            self._post("expired", lot.issuer, -share)
            rest -= share
        self._post("reversed", issuer, rest)
        parts = list(_first(self._free(who, now), rest))
        for lot, share in parts:
            lot.remaining -= share
            taken, rest = taken + share, rest - share
        self._owe_for(parts, issuer)
        group = frozenset(lot.id for lot in lots)
        if arrears:
            self._charge(who, issuer, rest, group)
            return taken, rest, 0
        held = sum(lot.held for lot in lots) - self._charged(who, issuer, group)
        owed = min(rest, max(0, held))
        self._charge(who, issuer, owed, group)
        self._post("written_off", issuer, owed - rest)
        who.losses.append(Loss(issuer, rest - owed, group))
        return taken, owed, rest - owed

    def reinstate(self, member: UUID, key: UUID, made: Lot, now: datetime) -> None:
        """Expired points of a lot as a new one, never more than expired."""
        self.catch_up(member, now)
        lot = self.members[member].lots.get(key)
        if lot is None:
            raise RefusedError("lot_not_found")
        if made.points > lot.expired - lot.reinstated:
            raise RefusedError("reinstatement_exceeds_expired")
        lot.reinstated += made.points
        made.issuer = lot.issuer
        self.credit(member, [made], now, against="expired")

    def transfer(
        self, giver: UUID, taker: UUID, points: int, ids: Mapping[UUID, UUID], now: datetime
    ) -> None:
        """The points keep issuer and dates; `ids` are those the receiver's lots have got."""
        if giver == taker:
            raise RefusedError("member_not_found")
        if self.members[taker].frozen:
            raise RefusedError("account_frozen")
        given = []
        for lot, share in self._spend(giver, points, now):
            self._post("transferred", lot.issuer, share)
            key = ids.get(lot.id) or uuid4()
            given.append(Lot(key, lot.issuer, share, lot.available_at, lot.expires_at))
        self.credit(taker, given, now, against="transferred")

    def begin(self, member: UUID, lots: Iterable[UUID], event: str, now: datetime) -> None:
        """The event has come that these pending lots wait for."""
        who = self.members[member]
        waiting = [
            lot
            for lot in (who.lots[key] for key in lots)
            if lot.remaining
            and lot.awaits == event
            and lot.available_at is None
            and not lot.over(now)
            and (lot.cancel_at is None or lot.cancel_at > now)
        ]
        if not waiting:
            raise RefusedError("nothing_pending")
        for lot in waiting:
            lot.available_at = now
        self.catch_up(member, now)

    def _spend(self, member: UUID, points: int, now: datetime) -> list[tuple[Lot, int]]:
        """Soonest expiry first, then oldest, never-expiring last."""
        who = self.members[member]
        if who.frozen:
            raise RefusedError("account_frozen")
        if self.spendable(member, now) < points:
            raise RefusedError("insufficient_points")
        self.catch_up(member, now)
        parts = list(_first(self._free(who, now), points))
        for lot, share in parts:
            lot.remaining -= share
        return parts

    def _free(self, who: Member, now: datetime, *, begun: bool = False) -> list[tuple[Lot, int]]:
        lots = [
            lot
            for lot in who.lots.values()
            if lot.activated and (lot.alive(now) or (begun and lot.was_alive()))
        ]
        return [(lot, lot.remaining) for lot in sorted(lots, key=_soonest_then_oldest)]

    def _running(self, who: Member, key: UUID, now: datetime) -> Hold:
        if key not in who.holds:
            raise RefusedError("hold_not_found")
        hold = who.holds[key]
        if hold.state != "open" or hold.ends <= now:
            raise RefusedError("hold_ended")
        return hold

    def _give_back(self, who: Member, hold: Hold, now: datetime, *, used: int) -> None:
        spent = {lot.id: share for lot, share in _first(hold.parts, used)}
        for lot, points in hold.parts:
            back = points - spent.get(lot.id, 0)
            lot.held -= back
            self._return(lot, back, now)
        kept = [(lot, points - spent.get(lot.id, 0)) for lot, points in hold.parts]
        self._forgive(who, kept, now)

    def _return(self, lot: Lot, points: int, now: datetime) -> None:
        if lot.over(now):
            self._lose(lot, points)
        else:
            lot.remaining += points

    def _lose(self, lot: Lot, points: int) -> None:
        lot.expired += points
        self._post("expired", lot.issuer, points)

    def _settle(self, who: Member, now: datetime, *, begun: bool = False) -> None:
        """Debt by debt, from the lots that expire soonest; another issuer's points are owed him."""
        for creditor in sorted(who.debts):
            parts = list(_first(self._free(who, now, begun=begun), who.debts[creditor]))
            for lot, share in parts:
                lot.remaining -= share
                who.debts[creditor] -= share
            self._owe_for(parts, creditor)

    def _owe_for(self, parts: list[tuple[Lot, int]], creditor: UUID) -> None:
        for lot, share in parts:
            if lot.issuer != creditor:
                self._post("payable", lot.issuer, share, creditor)
                self._post("recovered", creditor, -share)

    def _honour(self, parts: list[tuple[Lot, int]], honoured_by: UUID, *, sign: int = 1) -> None:
        for lot, share in parts:
            if lot.issuer == honoured_by:
                self._post("redeemed", lot.issuer, sign * share)
            else:
                self._post("payable", lot.issuer, sign * share, honoured_by)

    def _post(self, account: str, issuer: UUID, points: int, owed_to: UUID | None = None) -> None:
        self.books[account, issuer, owed_to] += points


def _first(parts: Iterable[tuple[Lot, int]], points: int) -> Iterable[tuple[Lot, int]]:
    """The first so many points of these parts."""
    for lot, share in parts:
        taken = min(share, points)
        points -= taken
        if taken:
            yield lot, taken


def _soonest_then_oldest(lot: Lot) -> tuple[bool, float, UUID]:
    never = lot.expires_at is None
    return never, 0.0 if lot.expires_at is None else lot.expires_at.timestamp(), lot.id
