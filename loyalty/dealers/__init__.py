"""Dealers (4S 店) and the directory of their staff: who may act, in which roles."""
