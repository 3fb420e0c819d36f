"""The text for a student: verdicts, what to mend, and how."""

import itertools

from project import TASKS

KINDS = {"reasons": "Why it is not valid", "remarks": "To mend", "hints": "For a reader to look at"}
DECIDED = {"remark": "to mend, but not invalid", "valid": "valid", "invalid": "invalid"}  # what a Decision says
# What a student can do about a reason or a remark that contains this; the first that fits is said.
ADVICE = {
    "is not written yet": "Write it: the top of the script has the rules.",
    "save as UTF-8": "Save the script with the encoding UTF-8 in your editor.",
    "which one is it": "Hand in each script once.",
    "but a notebook": "Hand in a script of that name: notebooks are not graded.",
    "not handed in": "Hand in a script of that name.",
    "as handed out": "Put back what was handed out, and write only build_model, train and what they need.",
    "was not to be changed": "Hand in the file as it was, or leave it out.",
    "needless changes": "Put back what you need not change, and do not let an editor format the file anew.",
    "no random seeds": "Take out what makes random numbers repeat: the network has to work in every run.",
    "uses TensorFlow": "The task is to be solved with TensorFlow; it is installed, and other frameworks are not.",
    "trains by gradients": "Train the network on the training digits by gradient descent.",
    "a convolution layer": "See the task: at least one convolution layer, in the network that predicts.",
    "a recurrent layer": "See the task: at least one recurrent layer, in the network that predicts. It uses the same "
                         "weights again in each step.",
    "no convolution": "See the task: recurrent layers instead of convolutions.",
    "thought vector": "See the task: 256 numbers between -1 and 1, and nothing else leads to the outputs.",
    "parameters as printed": "Count all weights of the models that predict, with model.count_params().",
    "number of parameters is not": "Print it in the line of results, with model.count_params().",
    "test digits read last": "Open the test file when the training is over.",
    "still get their old labels": "Train on the first half of the data only, and choose nothing by the second.",
    "on blocks of random pixels": "Train on the first half of the data only, and choose nothing by the second.",
    "did not end by itself": "Close windows, and end threads and queues, when the line of results is printed.",
    "wrote to standard error": "The message is a warning of Python or Keras. Mend what it warns of, or switch it off.",
    "lines instead of one": "Print only the line of results; verbose=0 silences Keras's progress.",
    "flooded": "Print only the line of results; verbose=0 silences Keras's progress.",
    "instead of": "Write a line for each test digit, in the order of the test file.",
    "predictions, line": "Write a line for each test digit: see the hand-out for its form.",
    "are they seconds?": "Print minutes: the seconds divided by 60.",
    "printed": "Print only the numbers of the line of results, separated by spaces.",
    "parameters are over": "Make the network smaller.",
    "minutes are over": "Make it faster: fewer epochs, larger batches, a smaller network.",
    "is over": "The network has to become better: tune it on a part of the training digits.",
    "memory": "Use less memory: smaller batches, a smaller network.",
    "wrote ": "Write no large files.",
    "processes": "Start fewer processes.",
    "ended after": "Make it faster: fewer epochs, larger batches, a smaller network.",
    "crashed": "It stopped with an error. Run it in a new folder, beside dataset.txt only.",
}
# The same for a script that ended with an error, by a part of what it said.
CRASHES = {
    "No module named": "Hand in the modules that it imports as well, or use those that are installed.",
    "No such file or directory": "It runs in a new folder, with your files and the data: hand in what it reads.",
    "": "It stopped with an error. Mend the line that is named.",
}
LINES = 12  # of standard error, which a student gets to see


def clean(value):
    """Return something as text without characters that a page or a text cannot hold."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}"
                   for letter in str(value))


def write_feedback(folder, judged, entries):
    """Write a text for each student, which can be sent as it is, into a folder (a Path). Raises OSError.

    judged: {submission: {task: verdict}}; entries: {submission: {task: entry}}, with all records.
    """
    for submission, tasks in judged.items():
        name = submission.replace("/", "_").lstrip(".") or "_"
        text = feedback(tasks, entries.get(submission, {}))
        (folder / f"{name}.txt").write_text(text, "utf-8", errors="backslashreplace")


def advice(text, entry):
    """Return lines of what a student can do about a reason or a remark, none if nothing is known.

    For a script that ended with an error, also the end of its standard error. entry: see `jobs.describe`.
    """
    if not (text.startswith("run ") and "ended with status" in text):
        return [cure for part, cure in ADVICE.items() if part in text][:1]
    stderr = next((job["stderr"] for name, job in sorted(entry.get("jobs", {}).items())
                   if name.startswith("run ") and job["reason"].startswith("ended with status")), "")
    last = list(itertools.dropwhile(lambda line: line.startswith("    "), stderr.splitlines()[-LINES:]))  # whole frames
    return [next(cure for part, cure in CRASHES.items() if part in text),
            *(["The end of its standard error:", *(f"  {line}" for line in last)] if len(last) > 1 else [])]


def feedback(tasks, entries):
    """Return the text for a student. Hints are not in it: they are for the teacher.

    tasks: {task: verdict}; entries: {task: entry}.
    """
    parts = []
    for task, verdict in tasks.items():
        limits = TASKS[task]
        lines = [f"{task}: {verdict['state']}"]
        if "mean" in verdict:
            for name, value, limit, best in zip(limits.errors, verdict["mean"], limits.limits,
                                                limits.high_performance):
                count = verdict["runs"]
                runs = f"{f'mean of {count} runs' if count > 1 else 'one run'}, {verdict['basis']}"
                lines.append(f"  {name} error {value:.2f}% ({runs}; limit {limit}%" + (
                    f", high performance up to {best}%)" if best else ")"))
            lines.append(f"  parameters {verdict.get('parameters', '?'):,} (limit {limits.parameters:,})"
                         if "parameters" in verdict else "  parameters: not known")
            lines.append(f"  minutes {verdict['minutes']:.2f} (limit {limits.minutes})")
        if "overruled" in verdict:
            kind, _, why = verdict["overruled"].partition(": ")
            lines.append(f"  Your teacher has decided: {DECIDED[kind]}: {why}")
        for kind in "reasons", "remarks":
            texts = [text for text in verdict[kind] if verdict.get("overruled") != f"invalid: {text}"]  # it is above
            if texts:
                lines.append(f"  {KINDS[kind]}:")
            for text in texts:
                lines += [f"  - {text}", *(f"    {line}" for line in advice(text, entries.get(task, {})))]
        parts.append("\n".join(lines) + "\n")
    return clean("\n".join(parts))
