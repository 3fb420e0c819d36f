"""Windows and files for figures: where there is a screen, what shows below the cell of a notebook, a live plot.

Matplotlib is imported only to draw: that takes time, and writes a font cache.
"""

import logging
import os
import sys

from support import startup
from support.command_line import make_folder

DPI = 150  # of saved figures

# Petroff (2021), "Accessible color sequences for data visualization": ten colours that the colour-blind tell apart.
COLOURS = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#717581", "#b9ac70", "#92dadd"]


def has_screen():
    """Choose Matplotlib's backend, and return whether it can open windows here; if not, a program draws into files.

    In a console, the choice of its backend is left alone, and a matplotlibrc as well. Ends the process in one line if
    Matplotlib is missing.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it would announce that it builds its font cache
    with startup.explain_missing_packages():
        import matplotlib

    if startup.PROGRAM:
        matplotlib.rcdefaults()
    try:
        if startup.BACKEND:
            matplotlib.use(startup.BACKEND)
        import matplotlib.pyplot as plt

        with startup.silent_stderr():
            figure = plt.figure()
            interactive = figure.canvas.required_interactive_framework
            plt.close(figure)
        if interactive:
            return True
    except Exception:  # each toolkit fails in its own way if it is not installed, or if there is no screen
        pass
    if startup.PROGRAM:
        matplotlib.use("agg", force=True)
    return False


def why_no_windows():
    """Return why Matplotlib cannot open windows, as the toolkit says it that comes with Python."""
    try:
        import tkinter

        tkinter.Tk().destroy()
    except ImportError:
        return "this Python has no toolkit for them, such as tkinter"
    except tkinter.TclError as error:
        return str(error)
    return "Matplotlib finds no toolkit that it can use"


def is_notebook():
    """Return whether figures are shown below the cell of a notebook."""
    import matplotlib

    return "inline" in matplotlib.get_backend() and "ipykernel" in sys.modules


class ErrorPlot:
    """A window with the errors of a training table, redrawn as rows come in."""

    def __init__(self):
        import matplotlib.pyplot as plt

        self.figure, self.axes = plt.subplots(layout="constrained")
        self.figure.canvas.manager.set_window_title("Training")
        self.figure.show()

    def draw(self, history):
        """Draw the rows so far: dictionaries of column head and value, the first column the epoch."""
        import matplotlib.pyplot as plt

        if not plt.fignum_exists(self.figure.number):  # the user has closed the window
            return
        self.axes.clear()
        for head, colour in zip(list(history[0])[1:], COLOURS):
            self.axes.plot([row["epoch"] for row in history], [row[head] for row in history], ".-",
                           color=colour, label=head.removesuffix(" %"))
        self.axes.set(xlabel="epoch", ylabel="error in %", title="Error during training")
        self.axes.set_ylim(bottom=0)
        self.axes.legend()
        self.figure.canvas.draw_idle()
        self.figure.canvas.flush_events()


def present(figures, folder=None, windows=False):
    """Save figures, a dictionary by name, as PNG in a folder and print the files' names; show them.

    They are shown in windows, in a notebook below the cell. The folder is made; if it cannot be, the process ends in
    one line.
    """
    import matplotlib.pyplot as plt

    if folder:
        make_folder(folder)
        for name, figure in figures.items():
            path = os.path.join(folder, name + ".png")
            figure.savefig(path, dpi=DPI)
            print(path, flush=True)
    if windows and is_notebook():
        from IPython.display import display

        for figure in figures.values():
            display(figure)
    elif windows:
        for name, figure in figures.items():
            figure.canvas.manager.set_window_title(name.replace("_", " ").capitalize())
        plt.show()
        return  # in a console they may stay open
    for figure in figures.values():
        plt.close(figure)
