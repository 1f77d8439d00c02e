"""F26: where a member stands is what was said last about what he has earned."""

from typing import Final

from loyalty.points.proof.check import Check

TIERS: Final = (
    Check(
        "F26",
        "a member stands where the latest word about his score put him",
        "SELECT COALESCE(stands.member_id, word.member_id), word.tier FROM tier_standing stands"
        " FULL JOIN (SELECT DISTINCT ON (member_id) member_id, tier, since_on FROM member_tier"
        " WHERE kind = 'earned' ORDER BY member_id, since_on DESC, id DESC) word"
        " ON word.member_id = stands.member_id"
        " WHERE (stands.tier, stands.since_on) IS DISTINCT FROM (word.tier, word.since_on)",
    ),
)
