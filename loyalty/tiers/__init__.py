"""Tiers (会员等级): the level a member has from a day on."""
