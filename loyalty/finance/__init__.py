"""Finance (财务): trial balance, liability, breakage, settlement between dealers, month closes."""
