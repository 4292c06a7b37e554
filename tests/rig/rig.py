#!/usr/bin/env python3
"""Compares what two builds of `soak` do: stdout, stderr, exit code and every file that they write.

    tests/rig/rig.py OLD NEW [--inputs FOLDER ...] [--record SCRIPT ...] [--seeds N] [--jobs N] [--only TEXT] [--show N]

Inputs: the folders below `fixtures` and below each --inputs, runs of the embedded simulator (N seeds, made by OLD), and
what each --record script does (a Python program whose first argument is the binary: a stand-in records the working
folder and the arguments of each call). Every input goes through every command and format with the clock pinned, in
the same place for both builds. Files that one build writes are read by the other one, both ways.

Differences that `tests/rig/allowed.txt` explains are counted, others are shown; the exit code is 1 if there are any.
A line of that file: `COMMAND-REGEX <TAB> STREAM-OR-FILE-REGEX <TAB> LINE-REGEX <TAB> REASON`; a difference is allowed
if every line that only one side has matches. Needs Linux, Python 3 and git.
"""

import argparse
import concurrent.futures
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SHARED = f"{tempfile.gettempdir()}/soak-rig-{os.getpid()}"
NOW = "2026-03-01T12:00:00Z"
# Every call is the first process of a namespace of its own, so that process ids, which files record, are the same.
ISOLATE = ["unshare", "--map-root-user", "--pid", "--fork", "--kill-child"]
# What no pinned clock reaches, and names of modules in log lines.
VOLATILE = re.compile(
    rb'\.soak-tmp-\w+|"timestamp":"[^"]*"|"target":"[^"]*"|^[0-9TZ:.-]{20,} +|[0-9T:-]{19}[.][0-9]{3,9}Z'
    rb'|"(?:prev|hash)": ?"[0-9a-f]{64}"|"seconds": ?[0-9.]+|soak-r[0-9]+-[0-9]+-[0-9a-f]{16}|head [0-9a-f]{64}', re.M)
# The audit log of a rollback has the wall clock's time in its lines, and their hashes.
LOGS = re.compile(r"(^|/)a\.jsonl")

# `{o}` is replaced by the options of the input: its policy, if it has one.
JUDGING = """
gate --path run {o}
gate --path run {o} --format json
gate --path run {o} --strict --require-freeze --fail-on warn
gate --path run {o} --junit gate.xml --github --prometheus --ascii --color always
gate --path run {o} --last-n 4 --min-iterations 4 --out elsewhere --no-html -v
gate --path run {o} --so-far --skip-delta-verify --skip-analyzer --detailed-exitcode -q
gate --path run {o} --override "the exchange was down" --by rig --exclude-symbol BTCUSDT
gate --path run {o} --compare run/../base/POST_SOAK_SNAPSHOT.json
gate --path run {o} --mock --log-format json -vv
analyze --path run {o}
analyze --path run {o} --format json --no-html
analyze --path run {o} --plots --exit-on-crit --min-windows 3 --ascii
analyze --path run {o} --last-n 12 --so-far --junit a.xml --github
extract --path run {o}
extract --path run {o} --pretty --prometheus --no-legacy-metrics
extract --path run {o} --compare base/POST_SOAK_SNAPSHOT.json --out snap
audit --path run {o} ; audit pr-summary --path run
audit --path run {o} --format json --out aud ; audit pr-summary aud/POST_SOAK_AUDIT_SUMMARY.json
audit --path run {o} --fail-on-hold --junit audit.xml --github --plots --ascii
audit --path run {o} --write-readiness ready.json ; audit --path run {o} --legacy-readiness ready.json --override why --by rig
compare --a base --b run {o}
compare --a base --b run {o} --format text --fail-on-regression
compare --a base --b run {o} --format json
compare --a run --b base {o} --format md
compare --a base/POST_SOAK_SNAPSHOT.json --b run {o} --format text
compare history . {o}
compare history . {o} --format json --last 2
compare history . {o} --format md --ascii
compare baseline promote run --store st {o} ; compare baseline show --store st ; compare baseline verify --store st ; compare baseline ack p95_latency_ms --store st --until 2026-03-20 --reason slower --by rig ; compare --store st --b base {o} --format text ; compare baseline show --store st --format json
export-prom --path run {o}
export-prom --path run {o} --openmetrics --output m.prom
export-prom --path run {o} --no-legacy-metrics
export-prom --path run {o} --remote-write http://127.0.0.1:9/w --dry-run
deltas verify --path run --format json
deltas verify --path run --strict --threshold 0.5 --out del
selftest run {o}
selftest run {o} --format json
selftest run {o} --format md
release bundle --src run --out b1 --rehearsal --archive --commit 0123456789abcdef0123456789abcdef01234567 {o} ; release verify b1 ; release verify b1.tar.gz --format json ; release tag --bundle b1 --dry-run
release bundle --src run --out b2 --commit 0123456789abcdef0123456789abcdef01234567 {o} ; release verify b2
release bundle --src run --out b3 --name v9 --dry-run --rehearsal --commit 0123456789abcdef0123456789abcdef01234567 {o} --format json
release readiness record run --chaos OK --bug-bash OK ; release readiness ; release readiness --format json --out-json s.json --rehearsal ; release validate s.json ; release validate s.json --format json
artifacts usage --path .
artifacts usage --path . --format json --keep 3
artifacts rotate --path . --keep 3 --dry-run
artifacts rotate --path . --keep 3 --format json ; artifacts usage --path .
config test --policy strict.toml run
run --resume --source sim --out run --iterations 30 {o} ; gate --path run {o}
""".strip().splitlines()

RUNS = """
run --mock --seed {s} --iterations 24 --out r ; gate --path r
run --mock --seed {s} --auto-tune --iterations 24 --out r --reports rep --export-json e.json --export-md e.md --gate-summary g.json ; analyze --path r --format json ; audit --path r
run --mock --seed {s} --auto-tune --iterations 24 --out r --format json --ascii -v ; deltas verify --path r ; selftest r
run --mock --seed {s} --auto-tune --iterations 10 --out r ; run --resume --mock --iterations 24 --out r ; run --extend 6 --out r ; gate --path r
run --mock --seed {s} --auto-tune --warmup --iterations 36 --out r --log-format json -vv ; gate --path r
run --mock --seed {s} --scenario regression --iterations 60 --auto-tune --out r ; gate --path r ; analyze --path r
run --mock --seed {s} --scenario flash-crash --iterations 24 --out r --abort-after-fails 3 ; gate --path r
run --mock --seed {s} --scenario leak --iterations 96 --auto-tune --no-fsync --out r ; gate --path r --format json
run --mock --seed {s} --scenario always-bad --iterations 12 --auto-tune --out r ; audit --path r --fail-on-hold
run --mock --seed {s} --hours 6 --interval 900 --run-isolated --out r --profile steady_safe
run --mock --seed {s} --iterations 24 --auto-tune --dry-run --format json
""".strip().splitlines()

ALONE = """
config show
config show --format json
config show --policy strict.toml --set min_interval_ms=70
config check strict.toml
config check broken.toml
config show --policy broken.toml
gate --path nowhere
gate --path nowhere --format json
gate --path empty
gate --path empty --format json
gate --bogus
gate --format nonsense
compare --a nowhere --b empty
audit pr-summary
schema
man
man gate
completions bash
completions zsh
completions fish
compare golden --baseline g1.json --actual g2.json
compare golden --baseline g1.json --actual g2.json --format json --rel-tolerance 0.1 --ignore /t --fail-on-drift
compare golden --baseline g1.json --actual g2.json --update ; compare golden --baseline g1.json --actual g2.json
rollback check rollback.yaml
rollback check rollback.yaml --live
rollback check shipped.yaml
rollback check broken.yaml
rollback rehearse SoakLatencyP95High --policy shipped.yaml
rollback rehearse SoakLatencyP95High --policy shipped.yaml --format json --label env=staging
rollback rehearse SoakWSLagHigh --policy rollback.yaml --format json
rollback rehearse Nothing --policy rollback.yaml
rollback run --policy rollback.yaml --log a.jsonl --reason "by hand" --by rig ; rollback log show a.jsonl ; rollback log verify a.jsonl ; rollback log show a.jsonl --format json
rollback run --policy rollback.yaml --log a.jsonl --reason "by hand" --by rig --live ; rollback run --policy rollback.yaml --log a.jsonl --reason "again" --by rig --live ; rollback run --policy rollback.yaml --log a.jsonl --reason "again" --by rig --live --force ; rollback recover --policy rollback.yaml --log a.jsonl --reason "over" --by rig --live ; rollback log show a.jsonl ; rollback log verify a.jsonl
grafana check --input dashboards/soak.json
""".strip().splitlines()

# What both builds write and the other one reads: the writing steps, then the reading ones.
CROSS = [
    ("run --mock --seed 5 --auto-tune --iterations 12 --out r",
     "run --resume --mock --iterations 24 --out r ; gate --path r --format json ; analyze --path r --format json ; audit --path r ; deltas verify --path r --format json"),
    ("run --mock --seed 6 --auto-tune --iterations 24 --out r ; extract --path r --out snap ; gate --path r",
     "compare --a snap/POST_SOAK_SNAPSHOT.json --b r --format json ; gate --path r --compare snap/POST_SOAK_SNAPSHOT.json ; audit --path r ; artifacts rotate --path r --keep 5"),
    ("run --mock --seed 7 --auto-tune --iterations 24 --out r ; compare baseline promote r --store st ; compare baseline ack p95_latency_ms --store st --until 2026-03-20 --reason slower --by rig",
     "compare baseline verify --store st ; compare baseline show --store st --format json ; compare --store st --b r --format json ; compare baseline promote r --store st ; compare baseline verify --store st"),
    ("run --mock --seed 8 --auto-tune --iterations 24 --out r ; release bundle --src r --out b --rehearsal --archive --commit 0123456789abcdef0123456789abcdef01234567 ; release readiness record r --chaos OK --bug-bash OK ; release readiness --rehearsal --out-json s.json",
     "release verify b --format json ; release verify b.tar.gz ; release tag --bundle b --dry-run ; release validate s.json --format json ; release readiness --rehearsal"),
    ("rollback run --policy rollback.yaml --log a.jsonl --reason one --by rig --live ; rollback recover --policy rollback.yaml --log a.jsonl --reason two --by rig --live",
     "rollback log verify a.jsonl ; rollback log show a.jsonl --format json ; rollback run --policy rollback.yaml --log a.jsonl --reason three --by rig --live --force ; rollback log show a.jsonl ; rollback log verify a.jsonl"),
    ("artifacts rotate --path run --keep 3", "artifacts usage --path run ; artifacts rotate --path run --keep 2 --format json ; gate --path run --format json"),
]

STRICT = 'schema_version = 1\n[iteration_pass.kpi.net_bps]\nlimit = 3.0\n[run_verdict]\nfreeze = "ignore"\n'
BROKEN = 'schema_version = 1\n[iteration_pass.kpi.net_bsp]\nlimit = "3.0"\n[run_verdict]\nfreze = "ignore"\nwindow = 0\n'
ROLLBACK = """version: "1.0"
environment: any
hard_gates:
  - {name: SoakLatencyP95High, severity: critical, action: rollback}
soft_gates:
  - {name: SoakWSLagHigh, severity: warning, action: notify}
auto_rollback:
  enabled: true
  cooldown_minutes: 15
  actions:
    - {type: scale_strategy, params: {target: 0}, description: Stop it.}
    - {type: freeze_orders, params: {enabled: true}, description: Fail.}
recovery:
  actions:
    - {type: scale_strategy, params: {target: 1}}
executors:
  scale_strategy: {exec: {command: ["/bin/sh", "-c", "echo scaled $1", "x", "{{params.target}}"]}}
  freeze_orders: {exec: {command: ["/bin/false"]}}
notifications:
  slack: {enabled: true, method: slack, webhook_url: {env: SLACK_WEBHOOK}}
"""


def environment(slot):
    return {"PATH": os.environ["PATH"], "HOME": slot, "USER": "rig", "LANG": "C.UTF-8", "TZ": "UTC", "NO_COLOR": "1",
            "COLUMNS": "100", "SOAK_NOW": NOW, "SLACK_WEBHOOK": "https://127.0.0.1:9/hook", "GITHUB_OUTPUT": f"{slot}/gh_output", "GITHUB_STEP_SUMMARY": f"{slot}/gh_summary"}


def call(binary, words, slot, extra=None, timeout=180):
    env = environment(slot)
    env.update(extra or {})
    link = f"{slot}/bin/soak"
    os.makedirs(f"{slot}/bin", exist_ok=True)
    if os.path.lexists(link):
        os.remove(link)
    os.symlink(binary, link)
    try:
        done = subprocess.run([*ISOLATE, link, *words], cwd=f"{slot}/w", env=env, capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL)
        return done.returncode, VOLATILE.sub(b"", done.stdout), VOLATILE.sub(b"", done.stderr)
    except subprocess.TimeoutExpired:
        return "timeout", b"", b""


def tree(folder):
    found = {}
    for place, folders, names in os.walk(folder):
        for name in folders:
            found[os.path.relpath(os.path.join(place, name), folder) + "/"] = b""
        for name in names:
            path = os.path.join(place, name)
            key = os.path.relpath(path, folder)
            if os.path.islink(path):
                found[key] = b"-> " + os.readlink(path).encode()
            elif os.path.isfile(path):
                mode = f"{os.stat(path).st_mode & 0o777:o}".encode()
                with open(path, "rb") as file:
                    content = file.read()
                if LOGS.search(key):
                    content = VOLATILE.sub(b"", content)
                found[key] = content + b"\nmode " + mode if key.endswith(".prom") else content
            else:
                found[key] = b"special"
    return found


def words_of(line):
    import shlex

    return shlex.split(line)


class Rig:
    def __init__(self, old, new, store):
        self.old, self.new, self.store = old, new, store
        self.local = threading.local()
        self.count = 0
        self.lock = threading.Lock()

    def slot(self):
        if not hasattr(self.local, "slot"):
            with self.lock:
                self.count += 1
                self.local.slot = f"{SHARED}/{self.count:02}"
        return self.local.slot

    def place(self, source):
        slot = self.slot()
        shutil.rmtree(slot, ignore_errors=True)
        os.makedirs(slot)
        shutil.copytree(source, f"{slot}/w", symlinks=True)
        return slot

    def observe(self, source, steps):
        """Runs (binary, line, extra environment) one after another; gives what each said, and the files at the end."""
        slot = self.place(source)
        said = []
        for binary, words, extra in steps:
            said.append(call(binary, words, slot, extra))
        files = tree(f"{slot}/w")
        for name in ("gh_output", "gh_summary"):
            if os.path.exists(f"{slot}/{name}"):
                with open(f"{slot}/{name}", "rb") as file:
                    files[f"../{name}"] = file.read()
        shutil.rmtree(slot, ignore_errors=True)
        return said, files

    def pair(self, name, source, lines, extra=None):
        words = [line if isinstance(line, list) else words_of(line) for line in lines]
        one = self.observe(source, [(self.old, w, extra) for w in words])
        two = self.observe(source, [(self.new, w, extra) for w in words])
        if differences(name, words, one, two):
            # What differs between two runs of the same build says nothing.
            again = self.observe(source, [(self.old, w, extra) for w in words])
            if differences(name, words, one, again):
                return None
        return differences(name, words, one, two)

    def cross(self, name, source, writing, reading):
        write = [words_of(line) for line in writing.split(" ; ")]
        read = [words_of(line) for line in reading.split(" ; ")]
        found = []
        both = [(w, self.old) for w in write] + [(r, self.old) for r in read]
        one = self.observe(source, [(b, w, None) for w, b in both])
        for label, writer, reader in (("old writes, new reads", self.old, self.new), ("new writes, old reads", self.new, self.old)):
            two = self.observe(source, [(writer, w, None) for w in write] + [(reader, r, None) for r in read])
            found += differences(f"{name} [{label}]", write + read, one, two)
        return found


def schema_of(text):
    """A JSON Schema without its descriptions and the names of its definitions, which may change."""
    document = json.loads(text)
    definitions = document.get("$defs", {})

    def plain(value, inside):
        if isinstance(value, list):
            return [plain(item, inside) for item in value]
        if not isinstance(value, dict):
            return value
        name = value.get("$ref", "").removeprefix("#/$defs/")
        if name in definitions:
            rest = {key: item for key, item in value.items() if key != "$ref"}
            target = {"again": inside.index(name)} if name in inside else definitions[name]
            return plain({**target, **rest}, (*inside, name))
        return {key: plain(item, inside) for key, item in value.items() if key not in ("description", "title", "$defs")
                or (key in ("description", "title") and isinstance(item, dict))}

    return json.dumps(plain(document, ()), indent=1, sort_keys=True).encode()


def lines_of(content):
    try:
        return content.decode().splitlines()
    except UnicodeDecodeError:
        return [f"(binary, {len(content)} bytes, {hash(content) & 0xFFFFFFFF:08x})"]


def differences(name, words, one, two):
    found = []

    def compare(command, what, a, b):
        if a != b:
            diff = list(difflib.unified_diff(lines_of(a), lines_of(b), "old", "new", lineterm="", n=0))[2:]
            found.append((name, command, what, [line for line in diff if not line.startswith("@@")] or ["(line ends)"]))

    for line, (code_a, out_a, err_a), (code_b, out_b, err_b) in zip(words, one[0], two[0]):
        command = " ".join(line)
        if code_a != code_b:
            found.append((name, command, "exit", [f"-{code_a}", f"+{code_b}"]))
        if line[0] == "schema" and out_a.startswith(b"{") and out_b.startswith(b"{"):
            out_a, out_b = schema_of(out_a), schema_of(out_b)
        compare(command, "stdout", out_a, out_b)
        compare(command, "stderr", err_a, err_b)
    command = " ; ".join(" ".join(line) for line in words)
    for key in sorted(set(one[1]) | set(two[1])):
        a, b = one[1].get(key), two[1].get(key)
        if a is None or b is None:
            found.append((name, command, key, ["+(only new has it)" if a is None else "-(only old has it)"]))
        else:
            compare(command, key, a, b)
    return found


def record(script, binary, store, timeout=900):
    """Every call that the script makes, with the folder that it was made in."""
    os.makedirs(store)
    stand_in = f"{store}/soak"
    with open(stand_in, "w") as file:
        file.write(f"""#!/usr/bin/env python3
import json, os, shutil, sys, tempfile
d = tempfile.mkdtemp(dir={store!r}, prefix="call-")
try:
    shutil.copytree(os.getcwd(), d + "/w", symlinks=True)
    json.dump({{"args": sys.argv[1:], "env": {{k: v for k, v in os.environ.items() if k.startswith("SOAK_")}}}}, open(d + "/call.json", "w"))
except (OSError, shutil.Error):
    shutil.rmtree(d, ignore_errors=True)
os.execv({binary!r}, ["soak"] + sys.argv[1:])
""")
    os.chmod(stand_in, 0o755)
    subprocess.run([sys.executable, script, stand_in], capture_output=True, timeout=timeout)
    calls = []
    for name in sorted(os.listdir(store), key=lambda n: os.stat(f"{store}/{n}").st_mtime_ns):
        if os.path.exists(f"{store}/{name}/call.json"):
            with open(f"{store}/{name}/call.json") as file:
                calls.append((f"{store}/{name}/w", json.load(file)))
    return calls


def furnish(folder, base):
    """What the commands of `JUDGING` need beside the run."""
    if not os.path.exists(f"{folder}/base"):
        shutil.copytree(base, f"{folder}/base")
    with open(f"{folder}/strict.toml", "w") as file:
        file.write(STRICT)


def jobs_of(rig, arguments):
    store, jobs = rig.store, []
    base = f"{store}/base"
    shutil.copytree(f"{ROOT}/fixtures/pass24", base)
    subprocess.run([rig.old, "extract", "--path", base, "--out", base], capture_output=True, env=environment(store))
    runs = []
    for parent in [f"{ROOT}/fixtures", *arguments.inputs]:
        for name in sorted(os.listdir(parent)):
            if os.path.isdir(f"{parent}/{name}"):
                runs.append((name, f"{parent}/{name}"))
    for name, path in runs:
        folder = f"{store}/in-{name}"
        os.makedirs(folder)
        shutil.copytree(path, f"{folder}/run", symlinks=True)
        options = ""
        for policy in ("policy.toml", "p.toml"):
            if os.path.exists(f"{path}/{policy}"):
                options = f"--policy run/{policy}"
        furnish(folder, base)
        jobs += [(name, folder, line.replace("{o}", options).split(" ; "), None) for line in JUDGING]
    empty = f"{store}/empty"
    os.makedirs(empty)
    for seed in range(1, arguments.seeds + 1):
        chosen = RUNS if seed <= 3 else [RUNS[seed % len(RUNS)], RUNS[(seed * 3 + 1) % len(RUNS)]]
        jobs += [(f"seed {seed}", empty, line.replace("{s}", str(seed)).split(" ; "), None) for line in chosen]
        if seed <= 4:
            folder = f"{store}/seed-{seed}"
            os.makedirs(folder)
            tune = ["--auto-tune"] if seed % 2 else []
            subprocess.run([rig.old, "run", "--mock", "--seed", str(seed), *tune, "--iterations", "24", "--out", "run"],
                           cwd=folder, env=environment(store), capture_output=True, check=True)
            furnish(folder, base)
            jobs += [(f"run of seed {seed}", folder, line.replace("{o}", "").split(" ; "), None) for line in JUDGING]
    alone = f"{store}/alone"
    os.makedirs(f"{alone}/empty")
    for name, text in (("strict.toml", STRICT), ("broken.toml", BROKEN), ("rollback.yaml", ROLLBACK),
                       ("broken.yaml", ROLLBACK.replace("cooldown_minutes: 15", "cooldown: soon").replace("severity: critical", "severity: grave")),
                       ("g1.json", '{"a": 1.0, "t": "x", "l": [1, 2]}'), ("g2.json", '{"a": 1.05, "t": "y", "l": [1, 2, 3]}')):
        with open(f"{alone}/{name}", "w") as file:
            file.write(text)
    shutil.copy(f"{ROOT}/deploy/policies/rollback.yaml", f"{alone}/shipped.yaml")
    shutil.copytree(f"{ROOT}/deploy/grafana/dashboards", f"{alone}/dashboards")
    schemas = subprocess.run([rig.old, "schema"], capture_output=True, text=True).stdout.split()
    lines = ALONE + [f"schema {name}" for name in schemas if re.fullmatch(r"[a-z0-9_]+", name)] + help_of(rig.old)
    jobs += [("alone", alone, line.split(" ; "), None) for line in lines]
    for script in arguments.record:
        for number, (folder, made) in enumerate(record(script, rig.old, f"{store}/rec-{os.path.basename(script)}")):
            if any(word in made["args"] for word in ("--listen", "--serve", "--prometheus-url", "serve")):
                continue
            jobs.append((f"{os.path.basename(script)} call {number}", folder, [made["args"]], made["env"]))
    return jobs, alone, base


def help_of(binary, path=()):
    text = subprocess.run([binary, *path, "--help"], capture_output=True, text=True).stdout
    found = [" ".join([*path, "--help"])]
    section = re.search(r"^Commands:\n((?:  .*\n)+)", text, re.M)
    for name in re.findall(r"^  ([a-z][a-z-]*) ", section.group(1), re.M) if section else []:
        if name != "help":
            found += help_of(binary, (*path, name))
    return found


def allowances():
    rules = []
    path = f"{ROOT}/tests/rig/allowed.txt"
    if os.path.exists(path):
        with open(path) as file:
            for line in file:
                if line.strip() and not line.startswith("#"):
                    command, what, text, reason = line.rstrip("\n").split("\t")
                    rules.append((re.compile(command), re.compile(what), re.compile(text), reason))
    return rules


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--inputs", nargs="*", default=[], help="folders of run folders")
    parser.add_argument("--record", nargs="*", default=[], help="scripts that call the binary")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", help="only commands that contain this regular expression")
    parser.add_argument("--show", type=int, default=12, help="lines to show of a difference")
    arguments = parser.parse_args()
    shutil.rmtree(SHARED, ignore_errors=True)
    os.makedirs(SHARED)
    store = tempfile.mkdtemp(dir=SHARED, prefix="store-")
    rig = Rig(os.path.abspath(arguments.old), os.path.abspath(arguments.new), store)
    jobs, alone, base = jobs_of(rig, arguments)
    wanted = re.compile(arguments.only)
    jobs = [job for job in jobs if wanted.search(" ; ".join(" ".join(x) if isinstance(x, list) else x for x in job[2]))]
    rules, allowed, shown, unstable, steps = allowances(), {}, 0, [], 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        waiting = [(pool.submit(rig.pair, *job), job) for job in jobs]
        cross = f"{store}/cross"
        shutil.copytree(alone, cross)
        shutil.copytree(base, f"{cross}/run")
        for number, (writing, reading) in enumerate(CROSS):
            if wanted.search(writing + reading):
                waiting.append((pool.submit(rig.cross, f"cross {number}", cross, writing, reading), ("cross", "", (writing + " ; " + reading).split(" ; "), None)))
        for future, job in waiting:
            result = future.result()
            steps += len(job[2])
            if result is None:
                unstable.append(f"{job[0]}: {job[2]}")
                continue
            for name, command, what, lines in result:
                reason = next((rule[3] for rule in rules if rule[0].search(command) and rule[1].search(what)
                               and all(rule[2].search(line[1:]) for line in lines)), None)
                if reason:
                    allowed[reason] = allowed.get(reason, 0) + 1
                    continue
                shown += 1
                print(f"{name}: soak {command}: {what}")
                for line in lines[: arguments.show]:
                    print(f"    {line[:300]}")
                if len(lines) > arguments.show:
                    print(f"    … {len(lines) - arguments.show} more lines")
    print(f"{len(waiting)} inputs x commands, {steps} calls a side: {shown} differences")
    for reason, number in sorted(allowed.items()):
        print(f"  allowed, {number} times: {reason}")
    for line in unstable:
        print(f"  differs between two runs of the old build, not compared: {line}")
    shutil.rmtree(SHARED, ignore_errors=True)
    return 1 if shown else 0


if __name__ == "__main__":
    sys.exit(main())
