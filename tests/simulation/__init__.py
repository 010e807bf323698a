"""The selling logic, unchanged, over a ZooKeeper, a clock and links that are simulated.

All chance is drawn from one seed, so a schedule that breaks a promise
can be played again: `python -m tests.simulation --seed N`. After FoundationDB's simulation
(Zhou et al., SIGMOD 2021).
"""
