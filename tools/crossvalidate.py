"""Compare variants of a script by repeated cross-validation on the training digits, to see a tenth of a point.

    python tools/crossvalidate.py task3_cnn.py --results FILE                       the rows of docs/ablation.md
    python tools/crossvalidate.py task3_cnn.py --results FILE --variants MINE.json  your own: {name: [[text, new text]]}
    python tools/crossvalidate.py task3_cnn.py --results FILE --report              the table of what there is so far

A repeat divides the training half of the data into five random folds, the same for all variants, and trains a network
for each fold on the other four. So every digit is predicted once per repeat, by a network that has not seen it. The
test half takes no part. Each training is a process with one thread, one per core; that takes less time in all than one
process with all cores. Trainings are appended to FILE as they end: Ctrl-C stops, the same command goes on.

The table has the error and the log loss of the out-of-fold predictions, the latter at its best temperature, so that
label smoothing makes no difference. Differences to the baseline are paired by digit and repeat, with a 95% confidence
interval for other digits and other trainings.
"""

import contextlib
import hashlib
import importlib
import itertools
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import ablation
import numpy as np
from measuring.runs import ProgressLine, changed, fail, machine, positive_integer, scripts_parser, table
from project import ROOT

BASELINE = "baseline"
FOLDS = 5
TEMPERATURES = np.geomspace(0.2, 3, 60)
ONE_THREAD = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


def shuffled(count, repeat):
    """Return the order of the digits in a repeat, (count,), before they are divided into folds."""
    return np.random.default_rng(repeat).permutation(count)


def train_fold(script, repeat, fold):
    """Train the script at a path without one fold; return a dictionary of parameters, seconds and predictions.

    `log_probabilities` are those of the digits of the fold, (n, 10); `decoder` is the decoder's error on it, in %.
    """
    sys.path.insert(0, os.path.dirname(script))
    import common

    task = importlib.import_module(Path(script).stem)
    digits = common.read_digits(common.DATASET, 0, common.count_lines(common.DATASET) // 2)
    order = shuffled(len(digits.labels), repeat)
    training, held_out = common.hold_out(common.Digits(*(array[order] for array in digits)), fold, FOLDS)
    start = time.perf_counter()
    model = task.build_model()
    task.train(model, training)
    seconds = time.perf_counter() - start
    outputs = common.predict(model, held_out.images)
    result = {"parameters": model.count_params(), "seconds": round(seconds, 2)}
    if "reconstruction" in outputs:
        result["decoder"] = common.errors(model, held_out)["decoder"]
    if "digit" in outputs:
        result["log_probabilities"] = np.log(np.maximum(outputs["digit"], 1e-12)).round(4).tolist()
    return result


def run_fold(script, changes, repeat, fold):
    """Call `train_fold` for a changed script in a process with one thread. Raises ValueError if it fails."""
    with changed(script, changes) as path:
        return run_path(path, repeat, fold)


def run_path(path, repeat, fold):
    """Call `train_fold` for the script at a path in a process with one thread. Raises ValueError if it fails."""
    ran = subprocess.run([sys.executable, __file__, "--fold", path, str(repeat), str(fold)], text=True,
                         capture_output=True, env=os.environ | ONE_THREAD)
    if ran.returncode:
        why = (ran.stderr.strip().splitlines() or [""])[-1]
        raise ValueError(f"{Path(path).name} ended with status {ran.returncode}: {why}")
    return json.loads(ran.stdout)


def fingerprint(script, changes):
    """Return a hash of a changed script and of what it imports, to tell results of older versions apart."""
    with changed(script, changes) as path:
        texts = [path.read_bytes(), (path.parent / "common.py").read_bytes()]
    return hashlib.sha256(b"".join(texts)).hexdigest()[:16]


def read_results(path):
    """Return the results in a file, {(script, fingerprint, repeat, fold): result}, without lines that are cut off."""
    results = {}
    for line in Path(path).read_text().splitlines() if Path(path).exists() else []:
        with contextlib.suppress(json.JSONDecodeError):
            result = json.loads(line)
            results[result["script"], result["fingerprint"], result["repeat"], result["fold"]] = result
    return results


def run_all(script, variants, repeats, results, path):
    """Run the trainings that `results` does not have yet, one per core, and append them to `results` and the file.

    variants: {name: (fingerprint, changes)}. The variants take turns, so that each is at the same repeat.
    """
    jobs = [(repeat, fold, name) for repeat in range(repeats) for fold in range(1, FOLDS + 1) for name in variants
            if (script, variants[name][0], repeat, fold) not in results]
    executor, done = ThreadPoolExecutor(os.cpu_count()), 0
    futures = {executor.submit(run_fold, script, variants[name][1], repeat, fold): (repeat, fold, name)
               for repeat, fold, name in jobs}
    try:
        with ProgressLine("training", len(jobs)) as progress, open(path, "a") as file:
            file.write("\n" if file.tell() else "")  # the last line may be cut off
            for future in as_completed(futures):
                repeat, fold, name = futures[future]
                key = {"script": script, "fingerprint": variants[name][0], "repeat": repeat, "fold": fold}
                results[tuple(key.values())] = result = key | {"variant": name} | future.result()
                file.write(json.dumps(result) + "\n")
                file.flush()
                done += 1
                progress.update(done, name)
    finally:
        executor.shutdown(cancel_futures=True)


def out_of_fold(script, mark, repeats, results):
    """Return the log-probabilities of complete repeats, {repeat: (n, 10)} in the order of the data, and the results."""
    predictions, used = {}, []
    for repeat in range(repeats):
        parts = [results.get((script, mark, repeat, fold)) for fold in range(1, FOLDS + 1)]
        if not all(parts):
            continue
        used += parts
        if "log_probabilities" in parts[0]:
            count = sum(len(part["log_probabilities"]) for part in parts)
            predictions[repeat] = np.empty((count, 10))
            for fold, part in enumerate(parts):
                held_out = np.arange(count) % FOLDS == fold
                predictions[repeat][shuffled(count, repeat)[held_out]] = part["log_probabilities"]
        else:
            predictions[repeat] = None
    return predictions, used


def training_labels():
    """Return the labels of the training half, (1000,)."""
    with open(ROOT / "dataset.txt") as file:
        return np.array([int(line[0]) for line in itertools.islice(file, 1000)])


def losses(log_probabilities, labels):
    """Return the errors and the log losses at the best temperature of predictions (repeats, n, 10): (repeats, n) each.

    The temperature is that with the lowest mean log loss over all predictions.
    """
    wrong = 100.0 * (log_probabilities.argmax(2) != labels)
    best = None
    for temperature in TEMPERATURES:
        scaled = log_probabilities / temperature
        scaled = np.take_along_axis(scaled, labels[None, :, None], 2)[..., 0] - np.log(np.exp(scaled).sum(2))
        if best is None or -scaled.mean() < best.mean():
            best = -scaled
    return wrong, best


def variances(differences):
    """Return two parts of the variance of the mean of differences (repeats, n): what other digits and repeats add.

    The first is that of the digits, which more repeats cannot make smaller. The second falls with their number.

    Digits and repeats are crossed random effects: the variance of the mean is the sum of those of digits, repeats and
    noise, which an analysis of variance estimates. A bootstrap that resamples both axes counts the noise, here the
    largest part, three times (Owen, 2007, "The pigeonhole bootstrap"): in simulations its interval had 1.4 times the
    width and held the true difference in 99% of cases instead of 95%.
    """
    repeats, count = differences.shape
    mean = differences.mean()
    by_repeat, by_digit = differences.mean(1) - mean, differences.mean(0) - mean
    digits = (by_digit**2).sum() / (count * (count - 1))
    if repeats == 1:
        return digits, 0.0
    residuals = differences - mean - by_repeat[:, None] - by_digit
    noise = (residuals**2).sum() / ((repeats - 1) * (count - 1) * repeats * count)
    return max(digits - noise, 0), noise + max((by_repeat**2).sum() / (repeats * (repeats - 1)) - noise, 0)


def interval(differences):
    """Return the 95% confidence interval of the mean of differences (repeats, n)."""
    margin = 1.96 * np.sqrt(sum(variances(differences)))
    return differences.mean() - margin, differences.mean() + margin


def rows(script, variants, repeats, results, labels):
    """Yield the rows of the table; variants: {name: (fingerprint, changes)}, the first is the baseline."""
    baseline = None
    for name, (mark, _) in variants.items():
        predictions, used = out_of_fold(script, mark, repeats, results)
        if not used:
            continue
        cells = [name, len(predictions)]
        if "decoder" in used[0]:
            cells.append(f"{np.mean([part['decoder'] for part in used]):.3f}")
        if "log_probabilities" in used[0]:
            measured = dict(zip(predictions, zip(*losses(np.array(list(predictions.values())), labels))))
            baseline = baseline or measured
            paired = [repeat for repeat in measured if repeat in baseline]
            for which, digits in ((0, 2), (1, 4)):
                cells.append(f"{np.mean([pair[which] for pair in measured.values()]):.{digits}f}")
                if measured is baseline or not paired:
                    cells.append("")
                    continue
                differences = np.array([measured[repeat][which] - baseline[repeat][which] for repeat in paired])
                low, high = interval(differences)
                cells.append(f"{differences.mean():+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})")
        yield [*cells, f"{used[0]['parameters']:,}", f"{np.mean([part['seconds'] for part in used]):.0f}"]


def head(script):
    """Return the head of a script's table."""
    cells = [f"`{script}`", "repeats"]
    if script.startswith(("task1", "task2")):
        cells.append("decoder error, %")
    if not script.startswith("task1"):
        cells += ["error, %", "difference", "log loss", "difference"]
    return [*cells, "parameters", "seconds"]


def main():
    """Train what is missing, then print the table of each script."""
    if sys.argv[1:2] == ["--fold"]:
        print(json.dumps(train_fold(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
        return 0
    parser = scripts_parser(__doc__)
    parser.add_argument("--results", required=True, metavar="FILE", help="results are read from there and appended")
    parser.add_argument("--repeats", type=positive_integer, default=10, metavar="N", help="default: 10")
    parser.add_argument("--variants", metavar="FILE", help="JSON: {name: [[text in the script, new text], ...], ...}")
    parser.add_argument("--report", action="store_true", help="only print the tables")
    options = parser.parse_args()
    labels = training_labels()
    for script in options.scripts or ablation.CHANGES:
        changes = {BASELINE: []} | (json.loads(Path(options.variants).read_text()) if options.variants
                                    else ablation.CHANGES[script])
        try:
            variants = {name: (fingerprint(script, change), change) for name, change in changes.items()}
            results = read_results(options.results)
            if not options.report:
                run_all(script, variants, options.repeats, results, options.results)
        except (OSError, ValueError) as error:
            fail(error)
        except KeyboardInterrupt:
            print("stopped; the table is of the trainings so far", file=sys.stderr)
        print(f"`{script}`, on {machine()}, one thread per training:\n")
        table_rows = list(rows(script, variants, options.repeats, results, labels))
        print(table(head(script), table_rows, "l" + "r" * (len(head(script)) - 1)) + "\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
