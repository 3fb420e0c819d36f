"""Check your scripts before you hand them in: do they run, print their line, keep the limits, are they as handed out?

    python check_my_handin.py                            all scripts that are here, one run each
    python check_my_handin.py task3_cnn.py --runs 5      one of them, as often as the grader runs it

It is no grader: there is no verdict, and the grader also checks the rules that stand at the top of each script.
"""

import argparse
import ast
import json
import math
import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import mean, stdev

HERE = Path(__file__).resolve().parent
HANDED_OUT = ".handed_out.json"  # the tasks, and the files as they were
NEAR = 0.2  # of a limit: an error of one run that is no further from it says little
LINES = 12  # of an error message
# What libraries warn of in their own files, and the line of source below it.
OF_LIBRARIES = re.compile(r"^(.*(site|dist)-packages.*\.py:\d+: \w+: .*(\n  .*)?"
                          r"|WARNING:tensorflow:.*(\nInstructions for updating:\n.*)?)$", re.MULTILINE)


def statements(text):
    """Return what stands at the top of a module, {tree as text: tree}, without docstrings. Raises SyntaxError."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        first = (getattr(node, "body", None) or [None])[0] if not isinstance(node, (ast.Lambda, ast.IfExp)) else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            node.body = node.body[1:]
    return {ast.dump(node): node for node in tree.body}


def called(node):
    """Return what a statement is called: the name that it defines, or else its first line."""
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0])
    return getattr(node, "name", "") or ast.unparse(node).splitlines()[0].rstrip(":")


def as_handed_out(name, was, now, script):
    """Yield what was changed in a file that was to stay. was, now: its text as handed out and now, None if missing.

    script: whether it is one, where only `main` and what calls it stays. Of the others all stays but into how many
    folds validation divides the digits. Comments do not count.
    """
    if now is None:
        yield f"{name} is missing: put it back"
        return
    try:
        old, new = statements(was), statements(now)
    except (SyntaxError, ValueError) as error:
        yield f"{name} cannot be read as Python: {error}"
        return
    for text, node in old.items():
        what = called(node)
        stays = what in ("main", "import common") or isinstance(node, ast.If) if script else what != "FOLDS"
        if stays and text not in new:
            yield f"{'' if script else f'{name}: '}{what} is not as handed out: put it back"
    known = set(map(called, old.values()))
    for what in [] if script else map(called, new.values()):
        if what not in known:
            yield f"{name}: {what} is new: take it out, and put what is yours into your scripts"


def run_once(script, task):
    """Run a script. Returns its numbers, [] if there are none, and what to mend, a list of lines of text."""
    start = time.perf_counter()
    try:
        ran = subprocess.run([sys.executable, script], cwd=HERE, capture_output=True, text=True, errors="replace",
                             stdin=subprocess.DEVNULL, timeout=120 * task["minutes"])
    except subprocess.TimeoutExpired:
        return [], [f"it has not ended after {2 * task['minutes']} minutes"]
    errors = OF_LIBRARIES.sub("", ran.stderr).strip().splitlines()
    lines = [line for line in ran.stdout.splitlines() if line.strip()]
    if errors and errors[-1].endswith("is not written yet"):
        return [], [errors[-1].partition("error: ")[2]]
    if ran.returncode:
        return [], ["\n    ".join(["it ended with an error:", *errors[-LINES:]])]
    names = [f"{name} error" for name in task["errors"]]
    expected = f"expected {len(names) + 2} numbers: {', '.join(names)}, parameters, minutes"
    try:
        numbers = [float(word) for word in lines[-1].split()]
    except (IndexError, ValueError):
        numbers = []
    if len(numbers) != len(names) + 2 or not all(map(math.isfinite, numbers)):
        return [], [f"its last line is {lines[-1][:80]!r}, {expected}" if lines else f"it printed nothing, {expected}"]
    mend = [f"it printed {len(lines)} lines instead of one"] if len(lines) > 1 else []
    mend += [f"it wrote to standard error: {errors[0][:100]}"] if errors else []
    return [*numbers[:-1], max(numbers[-1], (time.perf_counter() - start) / 60)], mend


def against_limit(name, values, limit, best, asked):
    """Return a line on an error in % of some runs beside its limit: how near it is.

    best: the limit of high performance, None for none. asked: how many runs the grader makes.
    """
    error, spread = mean(values), stdev(values) if len(values) > 1 else NEAR * limit
    side = f"{abs(error - limit):.2f} points {'over' if error > limit else 'within'} the limit of {limit}%" + (
        f" (high performance {best}%)" if best else "")
    text = f"{name} error {error:.2f}%" + (
        f" ± {spread:.2f} in {len(values)} runs ({min(values):.2f} to {max(values):.2f})" if len(values) > 1 else
        " in one run") + f": {side}"
    if abs(error - limit) <= spread:
        text += ("; the mean of other runs may be on the other side" if len(values) > 1 else
                 f"; one run tells little so near to it: try --runs {asked}")
    return text


def check(script, handed_out, runs):
    """Print what came out for a script. Returns whether there is something to mend."""
    task, results, mend = handed_out["tasks"][script], [], []
    print(script, flush=True)
    for _ in range(runs):
        numbers, texts = run_once(script, task)
        mend += [text for text in texts if text not in mend]
        if not numbers:
            break
        results.append(numbers)
    if results:
        *errors, parameters, minutes = zip(*results)
        for name, values, limit, best in zip(task["errors"], errors, task["limits"], task["high_performance"]):
            if handed_out["secret"]:
                print(f"  {name} error {mean(values):.2f}% after training on half of your digits; the limit is for a "
                      "training on all of them, with other test digits")
                continue
            print(f"  {against_limit(name, values, limit, best, handed_out['runs'])}")
            if mean(values) > limit:
                mend.append(f"the {name} error is over {limit}%")
        print(f"  parameters {max(parameters):,.0f} (limit {task['parameters']:,})")
        print(f"  minutes {mean(minutes):.2f} on this machine (limit {task['minutes']})")
        mend += [f"the {what} are over {task[what]:,}" for what, value in (
            ("parameters", max(parameters)), ("minutes", mean(minutes))) if value > task[what]]
    was, now = handed_out["files"][script], (HERE / script).read_text("utf-8-sig", errors="replace")
    mend += as_handed_out(script, was, now, script=True)
    print(*(f"  - {text}" for text in mend), sep="\n", end="\n" * bool(mend), flush=True)
    return bool(mend)


def main():
    """Check the scripts that the command line names. Returns 1 if there is something to mend, otherwise 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scripts", nargs="*", metavar="SCRIPT", help="by default all that are here")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="of each script (default: 1)")
    options = parser.parse_args()
    try:
        handed_out = json.loads((HERE / HANDED_OUT).read_text("utf-8"))
    except (OSError, ValueError) as error:
        parser.error(f"{HANDED_OUT}, which was handed out beside this program, cannot be read: {error}")
    options.scripts = [Path(name.replace("\\", "/")).name for name in options.scripts]  # also .\task3_cnn.py
    for script in options.scripts:
        if script not in handed_out["tasks"] or not (HERE / script).exists():
            parser.error(f"no such script here: {script}")
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a console may lack a character
    scripts = options.scripts or [name for name in handed_out["tasks"] if (HERE / name).exists()]
    found = [check(script, handed_out, max(1, options.runs)) for script in scripts]
    shared = []
    for name, was in handed_out["files"].items():
        if name not in handed_out["tasks"]:
            path = HERE / name
            now = path.read_text("utf-8-sig", errors="replace") if path.exists() else None
            shared += as_handed_out(name, was, now, script=False)
    print(*shared, sep="\n", end="\n" * bool(shared))
    if not any(found) and not shared:
        print("Nothing to mend was found.")
    return int(any(found) or bool(shared))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
