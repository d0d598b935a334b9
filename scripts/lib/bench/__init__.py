"""Measures blockseal beside other NBD servers; started by scripts/bench.

From what to how: rows (what is measured), images and servers (who serves it), fio (one run of the load), measure (turns
and rounds), start and soak (what no row shows), host (what this machine is and can do), results (medians and ratios),
report and chart (how it is shown), options and __main__ (the command line).
"""
