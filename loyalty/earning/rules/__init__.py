"""Pure earning rules; every lot names the rule and the version that made it."""
