"""The performance targets as ratios in one run; docs/PERFORMANCE.md tells how to read them."""
