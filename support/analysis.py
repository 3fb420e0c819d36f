"""What `--show_analysis` and `--figures` do: all figures of a trained model, in windows, a notebook, or files."""

import os

from support import figures
from support.command_line import note
from support.windows import has_screen, is_notebook, present, why_no_windows


def show_figures(model, digits, outputs, curves, folder=None, windows=False, split="test"):
    """Draw the figures of a trained model and show them in windows, or save them as PNG and print their names.

    outputs: what `with_thought_vector(model)` predicts for `digits`. curves: of the training, {name: {epoch: value}}.
    folder: where to save them; if it is None, they are saved only if they cannot be shown, in figures/. split: what the
    titles call the digits.
    """
    screen = has_screen()
    if windows and not screen and not is_notebook():
        if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
            note(f"no windows: {why_no_windows()}")
        windows, folder = False, folder or "figures"
    if windows and screen:
        from support.drawing import DrawingWindow

        field = DrawingWindow(model, digits, outputs)  # noqa: F841 (Matplotlib does not keep it)
    present(figures.draw_figures(model, digits, outputs, split) | figures.draw_training(curves), folder, windows)
