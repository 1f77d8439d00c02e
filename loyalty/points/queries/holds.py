"""Which holds were running, as SQL: now by their state, at a moment by their posting sets."""

from typing import Final

OPEN_NOW: Final = "h.member_id = :member AND h.state = 'open'"
OPEN_THEN: Final = """h.member_id = :member
    AND EXISTS (
        SELECT FROM posting_set begun
        WHERE begun.member_id = h.member_id AND begun.id = h.posting_set_id
            AND begun.account_version < :cut
    ) AND NOT EXISTS (
        SELECT FROM posting_set ended
        WHERE ended.member_id = h.member_id AND ended.source IN ('capture', 'release')
            AND ended.source_key = h.id::text AND ended.kind IN ('capture', 'release')
            AND ended.account_version < :cut
    )"""


def kept(running: str) -> str:
    """The points that running holds keep, lot by lot; `overdue` ones time has given back."""
    return f"""SELECT e.lot_id, e.points, h.expires_at <= :at AS overdue
    FROM point_hold h
    JOIN point_entry e ON e.member_id = h.member_id AND e.posting_set_id = h.posting_set_id
        AND e.account = 'held'
    WHERE {running}"""  # noqa: S608 (constants)
