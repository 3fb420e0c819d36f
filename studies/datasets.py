"""The data sets of `keras.datasets`, from where the user keeps them. Imported before `common`.

Keras chooses its home folder when it is imported, writes its settings there, and downloads a data set again if it
cannot write there. So this process gets a temporary home with links to the data sets that the user has.
"""

import atexit
import os
import shutil
import tempfile
import zipfile
import zlib

from support.command_line import fail

FOLDER = os.path.join(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras"), "datasets")
_home = tempfile.TemporaryDirectory(prefix="keras-")
atexit.register(_home.cleanup)
os.environ["KERAS_HOME"] = _home.name
_links = os.path.join(_home.name, "datasets")
os.mkdir(_links)
for _parent, _, _files in os.walk(os.path.abspath(FOLDER)):
    _copy = os.path.join(_links, os.path.relpath(_parent, os.path.abspath(FOLDER)))
    os.makedirs(_copy, exist_ok=True)
    for _file in _files:
        os.symlink(os.path.join(_parent, _file), os.path.join(_copy, _file))

HOW_TO_GET = {
    "fashion_mnist": "run this once where there is a network, or install Debian's package dataset-fashion-mnist and "
                     "set KERAS_HOME=/usr/share",
    "mnist": "run this once where there is a network",
}


def load_data(name):
    """Return a data set of `keras.datasets`, such as `fashion_mnist`: two pairs of images and labels, as Keras does.

    It is read from `datasets` in $KERAS_HOME or ~/.keras, and downloaded to that folder if it is missing. Ends the
    program if it is not available or damaged.
    """
    import keras

    try:
        data = getattr(keras.datasets, name).load_data()
        for parent, _, files in os.walk(_links):
            for path in (os.path.join(parent, file) for file in files):
                if not os.path.islink(path):  # it has been downloaded just now
                    new = os.path.join(FOLDER, os.path.relpath(path, _links))
                    os.makedirs(os.path.dirname(new), exist_ok=True)
                    shutil.move(path, new + ".part")
                    os.replace(new + ".part", new)  # so that a part of a file is never taken for the whole
    except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile) as error:
        fail(f"{FOLDER}: the files of {name} cannot be read or written ({error})")
    except Exception as error:  # Keras raises that itself if a download fails
        reason = str(error).rpartition(" -- ")[2]
        fail(f"{FOLDER}: {name} is not there and cannot be downloaded ({reason}): {HOW_TO_GET[name]}")
    return data
