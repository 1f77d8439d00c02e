"""What finance decides with plain numbers: rounding and breakage."""
