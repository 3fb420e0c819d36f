"""Run a script as the main program and see what it does. This is the program of each run behind the walls.

    python grader_watch REPORT COUNT "CHECK; CHECK" task3_cnn.py ARGUMENTS...

The folder grader_watch stands beside the files of a submission, see `jobs.WATCH`. It has this module, those that it
imports and nothing else of the grader. At the end a report is written to the file REPORT, in JSON: findings by the name
of the check ("passed", "failed: WHY", "hint: WHAT" or "not checked: WHY"), `parameters`, the weights with which Keras
models predicted the COUNT test digits, `untrained`, those of them that are not trained, `starts`, hashes of the weights
before the training, and `states`, those of the generators of random numbers at that time. The script shares the process
and could forge the report. So the grader uses what it says against a script only, never in its favour.
"""

import contextlib
import functools
import hashlib
import json
import os
import sys

from grading.children import starts_process
from grading.given import Digits, Given, those_that_predict
from grading.models import check_models, count_weights

TENSORFLOW, TRAINED, LAST = "uses TensorFlow", "trains by gradients", "test digits read last"
# Every way to a gradient: functions and methods, by the module that has them. Tapes, jacobians and the optimizers of v1
# in eager code use the second; tf.gradients and the optimizers of v1 in graphs the third; Keras's optimizers count
# their steps as well. The inner two may have other names in another TensorFlow.
GRADIENTS = {"tensorflow": ["GradientTape.gradient", "GradientTape.jacobian", "autodiff.ForwardAccumulator.jvp",
                            "gradients", "compat.v1.gradients", "compat.v1.train.Optimizer.compute_gradients"],
             "tensorflow.python.eager.imperative_grad": ["imperative_grad"],
             "tensorflow.python.ops.gradients_util": ["_GradientsHelper"]}


class Watcher:
    """What a script has done so far. It learns that from Python's audit events and from Keras's methods.

    test: the path of the test file, None if training and test digits are in one file. digits: `Digits`, of the run.
    """

    def __init__(self, test, digits):
        self.test, self.digits = test and os.path.realpath(test), digits
        self.opened = None  # the state of the weights at that time, or the error that prevented to read it
        self.seen, self.earlier = {}, []  # what models were given, by their id; before the test file was opened
        self.starts, self.states, self.gradients, self.children = [], [], False, False
        self.depth, self.patched = 0, set()

    def hook(self, event, details):
        """Notice imports and opened files. What is raised here would be raised within the script."""
        with contextlib.suppress(Exception):
            self.notice(event, details)

    def notice(self, event, details):
        """Notice imports and opened files, given an audit event of Python."""
        for module, attribute, patch in ("keras", "Model", self.patch_keras), ("tensorflow", "GradientTape",
                                                                               self.patch_tensorflow):
            if module not in self.patched and hasattr(sys.modules.get(module), attribute):
                self.patched.add(module)
                patch(sys.modules[module])
        self.children = self.children or starts_process(event, details)
        path = details[0] if event == "open" and self.opened is None else None
        if isinstance(path, (str, bytes, os.PathLike)) and os.path.realpath(os.fsdecode(path)) == self.test:
            self.opened, self.seen, self.earlier = [], {}, [*self.seen.values()]  # reading the weights may open files
            try:
                self.opened = weights()
            except Exception as error:  # they cannot be read now, as while a graph is traced
                self.opened = error

    def patch_tensorflow(self, tensorflow):
        """Notice when a gradient is computed."""
        for module, names in GRADIENTS.items():
            for name in names:
                *path, last = name.split(".")
                with contextlib.suppress(Exception):
                    owner = functools.reduce(getattr, path, sys.modules.get(module))
                    setattr(owner, last, self._noticed(getattr(owner, last)))

    def _noticed(self, original):
        @functools.wraps(original)
        def gradient(*arguments, **options):
            self.gradients = True
            return original(*arguments, **options)

        return gradient

    def patch_keras(self, keras):
        """Notice when models predict, and what the weights are before an optimizer's first step."""
        for name in "fit", "train_on_batch", "predict", "predict_on_batch", "evaluate", "test_on_batch", "__call__":
            self._patch_method(keras.Model, name)
        base = next(kind for kind in reversed(keras.optimizers.Optimizer.__mro__) if "build" in vars(kind))
        original = base.build

        @functools.wraps(original)
        def build(optimizer, variables):
            with contextlib.suppress(Exception):
                self.starts.append(fingerprint(variables))
                self.states = self.states or random_states()
            return original(optimizer, variables)

        base.build = build

    def _patch_method(self, model, name):
        original, trains = getattr(model, name), name in ("fit", "train_on_batch")

        @functools.wraps(original)
        def method(model, *arguments, **options):
            with contextlib.suppress(Exception):  # it would be raised within the script
                given = [*arguments, options.get("x"), options.get("inputs")][0]
                if trains:
                    build_sequential(model, given)
                elif self.depth == 0 and not options.get("training"):
                    began = any(given.test for given in self.seen.values())
                    self.seen.setdefault(id(model), Given(model)).add(
                        given, self.digits.tell(given), began, name in ("evaluate", "test_on_batch"))
            self.depth += 1
            try:
                return original(model, *arguments, **options)
            finally:
                self.depth -= 1

        setattr(model, name, method)

    def report(self, checks, count):
        """Return the report. checks: names of those of models; count: of the test digits."""
        elsewhere = "not checked: it starts other processes, which are not watched"
        if "tensorflow" not in sys.modules:
            return {TENSORFLOW: elsewhere if self.children else "failed: it was not imported while the script ran"}
        report = {"starts": self.starts, "states": self.states, LAST: self.check_last()}
        if not self.gradients and not any(steps for _, steps in weights()[0]):
            report[TRAINED] = elsewhere if self.children else "failed: no gradient was seen while the script ran"
        seen = [given for given in self.seen.values() if given.model.built]
        chosen, told = those_that_predict(seen, count)
        if not chosen:
            return report | dict.fromkeys(checks, "not checked: no Keras model predicted the test digits")
        examples = {id(given.model): given.example for given in chosen}
        report |= count_weights([*self.earlier, *seen], chosen, bool(told))
        return report | check_models([given.model for given in chosen], checks, examples, [
            given.model for given in told])

    def check_last(self):
        """Return the finding whether the training was over when the test file was opened."""
        if self.test is None:
            return "not checked: it does not take --dataset and --test, but reads the file beside it"
        if self.opened is None:
            return "not checked: Python has not opened the test file"
        if isinstance(self.opened, Exception):
            return f"not checked: {self.opened}"
        optimizers, variables = self.opened
        before = {id(thing): count for thing, count in optimizers}
        after, now = weights()
        steps = sum(max(0, count - before.get(id(thing), 0)) for thing, count in after)
        changed = sum(1 for thing, value in variables if (thing.numpy() != value).any())
        came = [f"{steps} training steps"] * bool(steps) + [f"changes to {changed} weights"] * bool(changed)
        if came:
            return f"failed: after the test file was opened came {' and '.join(came)}"
        return "passed" if now or variables else "not checked: there are no Keras weights"


def weights():
    """Return the optimizers and their numbers of steps, and the trainable weights and their values."""
    import gc

    keras = sys.modules.get("keras")
    if not hasattr(keras, "Variable"):
        return [], []
    things = gc.get_objects()
    return ([(thing, int(thing.iterations)) for thing in things if issubclass(type(thing), keras.optimizers.Optimizer)],
            [(thing, thing.numpy().copy()) for thing in things
             if issubclass(type(thing), keras.Variable) and thing.trainable])


def build_sequential(model, given):
    """Build a sequential model for the data that it is trained on, as Keras is about to do.

    Keras does it within the first training step, where the weights before that step cannot be read.
    """
    import keras

    if isinstance(model, keras.Sequential) and not model.built:
        with contextlib.suppress(Exception):
            shape = keras.tree.flatten(getattr(given, "element_spec", given))[0].shape
            model.build((None, *shape[1:]))


def fingerprint(variables):
    """Return a hash of the values of variables, without those that are constant; None if all are."""
    import numpy as np
    import tensorflow as tf

    with tf.init_scope():
        values = [np.asarray(variable.value if hasattr(variable, "value") else variable) for variable in variables]
    values = [value.tobytes() for value in values if value.size > 1 and value.min() != value.max()]
    return hashlib.sha256(b"".join(values)).hexdigest()[:16] if values else None


def random_states():
    """Return what the generators of random numbers would give next, as "NAME HASH": it differs unless there is a seed.

    TensorFlow's is in it only if its seed was set.
    """
    import random

    import numpy as np
    from tensorflow.python.eager import context

    seed = context.global_seed()
    states = {"Python": random.getstate(), "NumPy": tuple(map(str, np.random.get_state()))} | (
        {} if seed is None else {"TensorFlow": seed})
    return [f"{name} {hashlib.sha256(repr(state).encode()).hexdigest()[:16]}" for name, state in states.items()]


def read_script(path):
    """Return the text of a script as Python reads it. Raises SyntaxError, with what to do, if it does not.

    A text of bytes, which `compile` takes as well, need not be UTF-8 everywhere.
    """
    import tokenize

    try:
        with tokenize.open(path) as file:
            text = file.read()
    except (SyntaxError, UnicodeError) as error:
        raise SyntaxError(f"save as UTF-8, since Python refuses {path} as it is: {error}") from None
    if "\0" in text:
        raise SyntaxError(f"save as UTF-8, since Python refuses {path} as it is: null bytes, as in UTF-16")
    return text


def run_script(path):
    """Run a script as `python PATH` does: its folder is searched for modules, and `__file__` is absolute.

    The folder of the whole hand-in is searched last.
    """
    from importlib.machinery import SourceFileLoader
    from types import ModuleType

    full = os.path.abspath(path)
    sys.path[0] = os.path.dirname(full)
    if os.getcwd() != sys.path[0]:
        sys.path.append(os.getcwd())  # editors run a script in a subfolder so
    module = sys.modules["__main__"] = ModuleType("__main__")
    vars(module).update(__file__=full, __loader__=SourceFileLoader("__main__", full), __builtins__=__builtins__)
    exec(compile(read_script(path), full, "exec", dont_inherit=True), vars(module))


@contextlib.contextmanager
def silence():
    """Let nothing that this process writes be seen: what models print when they are tried is not the script's."""
    kept = []
    with contextlib.suppress(Exception):  # the script may have closed them
        kept = [(number, os.dup(number)) for number in (1, 2)]
    flush()
    with open(os.devnull, "w") as nowhere:
        for number, _ in kept:
            os.dup2(nowhere.fileno(), number)
        try:
            yield
        finally:
            flush()
            for number, copy in kept:
                os.dup2(copy, number)
                os.close(copy)


def flush():
    """Write what is still to be written to standard output and standard error."""
    for stream in sys.stdout, sys.stderr:
        with contextlib.suppress(Exception):
            stream.flush()


def main():
    """Run the command line. It ends as the script does."""
    report, count, checks, script, *arguments = sys.argv[1:]
    options = dict(zip(arguments[::2], arguments[1::2]))
    test = options.get("--test")
    watcher = Watcher(test, Digits(options.get("--dataset", "dataset.txt"), test, int(count)))
    parent = os.getpid()
    sys.addaudithook(watcher.hook)
    sys.argv = [script, *arguments]
    sys.modules.pop("grading", None)  # the script may have a module of that name
    with open(report, "w") as file:
        try:
            run_script(script)
        finally:
            if os.getpid() == parent:  # and not a child that it has forked
                with silence():
                    try:
                        findings = watcher.report(list(filter(None, checks.split("; "))), int(count))
                    except Exception as error:
                        findings = {LAST: f"not checked: {error}"}
                json.dump(findings, file)
