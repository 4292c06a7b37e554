"""Other programs beside soak on the same simulated series: one table.

    cargo bench --bench error_rates -- series > series.csv
    python3 tests/peers/peers.py series.csv > peers.md

Packages that are not installed are left out and named. Each program judges the first KPI alone, with its defaults
where it has them; the settings are printed below the table.
"""

import csv
import importlib
import math
import sys

CHANGE, TREND = "change points", "trend"


def otava(values):
    from otava.analysis import compute_change_points

    found, _ = compute_change_points(values, window_len=50, max_pvalue=0.001, min_magnitude=0.0)
    return len(found) > 0


def pelt(values):
    import numpy
    import ruptures

    series = numpy.array(values).reshape(-1, 1)
    ends = ruptures.KernelCPD(kernel="rbf", min_size=6).fit(series).predict(pen=3 * math.log(len(values)))
    return len(ends) > 1


def mann_kendall(test):
    def alarm(values):
        import pymannkendall

        return bool(getattr(pymannkendall, test)(values, alpha=0.05).h)

    return alarm


# Name, package, what it looks for, settings, test.
PEERS = [
    ("Otava", "otava", CHANGE, "window 50, p 0.001 (its defaults)", otava),
    ("PELT-rbf", "ruptures", CHANGE, "`ruptures`, segments of 6, penalty 3 ln n", pelt),
    ("Mann-Kendall", "pymannkendall", TREND, "`pymannkendall`, 5 %", mann_kendall("original_test")),
    (
        "Hamed-Rao",
        "pymannkendall",
        TREND,
        "Mann-Kendall with their correction for autocorrelation, 5 %",
        mann_kendall("hamed_rao_modification_test"),
    ),
]


def main(path):
    present = []
    for peer in PEERS:
        try:
            importlib.import_module(peer[1])
            present.append(peer)
        except ImportError:
            print(f"{peer[0]} is left out: no Python package `{peer[1]}`", file=sys.stderr)
    # A cell: counts of alarms by column.
    cells, runs = {}, {}
    with open(path, newline="") as source:
        for row in csv.DictReader(source):
            cell = (row["noise"], row["scenario"], int(row["n"]))
            values = [float(value) for value in row["values"].split(" ")]
            counts = cells.setdefault(cell, {})
            runs[cell] = runs.get(cell, 0) + 1
            for column in ("soak, change points", "soak, trend"):
                counts.setdefault(column, [0, 0])
                counts[column][0] += row[column] == "alarm"
                counts[column][1] += row[column] == "cannot"
            for name, _, _, _, test in present:
                counts.setdefault(name, [0, 0])[0] += test(values)
    print("# Other programs on the same series\n")
    print(
        "Percentage of simulated series in which a program raises an alarm: a false one where the scenario is\n"
        '"nothing", a find elsewhere. In brackets: soak says that it cannot decide. Change points count whether for\n'
        "better or worse; a trend of soak counts for the worse only. Made by `make peers`.\n"
    )
    names = ["soak, change points", *[p[0] for p in present if p[2] == CHANGE]]
    names += ["soak, trend", *[p[0] for p in present if p[2] == TREND]]
    print("| noise | what happens | n | runs | " + " | ".join(names) + " |")
    print("|---|---|--:|--:|" + "--:|" * len(names))
    for cell, counts in cells.items():
        shares = []
        for name in names:
            alarms, cannot = counts[name]
            share = f"{100 * alarms / runs[cell]:.0f}"
            shares.append(share + (f" ({100 * cannot / runs[cell]:.0f})" if cannot else ""))
        print("| " + " | ".join([cell[0], cell[1], str(cell[2]), str(runs[cell]), *shares]) + " |")
    print()
    for name, _, _, settings, _ in present:
        print(f"- {name}: {settings}.")


if __name__ == "__main__":
    main(sys.argv[1])
