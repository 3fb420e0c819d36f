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
for _name in os.listdir(FOLDER) if os.path.isdir(FOLDER) else []:
    os.symlink(os.path.abspath(os.path.join(FOLDER, _name)), os.path.join(_links, _name))

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
        for file in os.listdir(_links):
            path, new = os.path.join(_links, file), os.path.join(FOLDER, file)
            if not os.path.islink(path) and not os.path.exists(new):  # it has been downloaded just now
                os.makedirs(FOLDER, exist_ok=True)
                shutil.move(path, new + ".part")
                os.replace(new + ".part", new)  # so that a part of a data set is never taken for the whole
    except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile) as error:
        fail(f"{FOLDER}: the files of {name} cannot be read or written ({error})")
    except Exception as error:  # Keras raises that itself if a download fails
        reason = str(error).rpartition(" -- ")[2]
        fail(f"{FOLDER}: {name} is not there and cannot be downloaded ({reason}): {HOW_TO_GET[name]}")
    return data
