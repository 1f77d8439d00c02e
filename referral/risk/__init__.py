"""Risk of a referral (风险评分): what is noticed, kept with its breakdown, and who stands out."""
