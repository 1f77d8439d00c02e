"""The figures of docs' performance targets: `make bench`, `make bench ARGS="--quick --only NAME"`.

How to read them. A figure is a ratio of two things measured in the same run on the same cluster
(fsync on), in alternated rounds A B A B ..., and the median of the rounds counts: another machine
or a busy one moves both sides. The absolute numbers beside a ratio say what this machine did, and
mean nothing elsewhere. `client_cpu` is the share of one core that the load client itself took: on
a small machine it takes that from the service. Whatever was loaded must pass the gate: no answer
of 500 or above, no deadlock, and the proof of the ledger; a figure whose gate fails is not met.
A figure without a target is there to explain the others.

Nothing here is tuned to a figure: sizes and seconds are in `sizes.py`, all of them.
"""
