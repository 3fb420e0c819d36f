"""Changes of the scripts, each of one thing, for ablation.py. docs/ablation.md has compared such candidates.

A change replaces pieces of the script's text in a copy. Task 2 consists of the parts of tasks 1 and 3.
"""

AUGMENTED = "common.Augmented(network"
NO_AUGMENTATION = [(AUGMENTED, "cropped(network"), ("def build_model():", '''def cropped(network, **_):
    """Return the network behind a layer that crops the middle out of an image."""
    return keras.Sequential([layers.Input((28, 28, 1)), layers.Cropping2D(3), network])


def build_model():''')]
ONE_FIELD_EACH = [(AUGMENTED, "one_field_each(network, copies=13"),
                  ("def build_model():", '''def one_field_each(network, **options):
    """Return the layer; its copies are the image, and one for each shift and linear distortion, in either direction."""
    layer = common.Augmented(network, **options)
    weights = common.np.eye(6, 2 * len(layer.fields)).reshape(6, -1, 2).swapaxes(1, 2)
    layer.copy_weights = common.np.float32([0 * weights[0], *weights, *-weights])
    layer.copy_thresholds = common.np.full((13, 1), 0.5, "float32")
    return layer


def build_model():''')]

A_LAYER_FOR_EACH_DIRECTION = [
    ("    x = ops.concatenate([forward, ops.flip(backward, axis=1)], axis=0)\n", ""),
    ("    x = layers.RNN(MinimalRecurrentCell(UNITS), return_sequences=True, unroll=True)(x)\n",
     "    forward, backward = [layers.RNN(MinimalRecurrentCell(UNITS), return_sequences=True, unroll=True)(part)\n"
     "                         for part in (forward, ops.flip(backward, axis=1))]\n"),
    ("    forward, backward = ops.split(x, 2, axis=0)\n", "")]


def augmented(**options):
    """Return the change that gives options to the augmentation."""
    text = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return [(AUGMENTED, f"common.Augmented(network, {text}")]


# script: {name of the change: [(text, replacement), ...]}
CLASSIFIERS = {
    "no distortion at all": NO_AUGMENTATION,
    "one prediction instead of a mean": augmented(copies=1),
    "mean over 12 distortions along one field each": ONE_FIELD_EACH,
    "mean over 32 spread distortions": augmented(copies=32),
}
CHANGES = {
    "task1_autoencoder.py": {
        "1 restart instead of 512": [("RESTARTS = 512", "RESTARTS = 1")],
        "32 restarts": [("RESTARTS = 512", "RESTARTS = 32")],
        "256 restarts instead of 512": [("RESTARTS = 512", "RESTARTS = 256")],
        "no training": [("EPOCHS = 5", "EPOCHS = 1"), ("LEARNING_RATE = 0.01", "LEARNING_RATE = 0.0")],
        "initial frequencies at random": [("np.pi / (2 * weights.T)", "np.pi / (2 * random.permutation(weights.T))")],
        "initial weights not above 0.1": [("INITIAL_WEIGHTS = 0.01, 0.8", "INITIAL_WEIGHTS = 0.01, 0.1")],
        "omega_0 of 1 instead of 100": [("OMEGA_0 = 100.0", "OMEGA_0 = 1.0")],
        "twice the epochs": [("EPOCHS = 5", "EPOCHS = 10")],
    },
    "task3_cnn.py": CLASSIFIERS | {
        "no deskewing": augmented(deskew=False),
        "four fifths of the steps": [("EPOCHS = 20", "EPOCHS = 16")],
        "batches of 200": [("BATCH_SIZE = 100", "BATCH_SIZE = 200")],
        "beta_2 of 0.999": [("weight_decay=WEIGHT_DECAY, beta_2=BETA_2)", "weight_decay=WEIGHT_DECAY)")],
        "shift 1.5, elastic 0.4": augmented(shift=1.5, elastic=0.4),
        "elastic 0.4": augmented(elastic=0.4),
        "no elastic distortion": augmented(elastic=0.0),
        "strokes as they are": augmented(threshold_range=(0.5, 0.5)),
        "momentum of batch normalization 0.99": [("BatchNormalization()", "BatchNormalization(momentum=0.99)")],
    },
    "task4_rnn.py": CLASSIFIERS | {
        "deskewed": [(", deskew=False", "")],
        "four fifths of the steps": [("EPOCHS = 20", "EPOCHS = 16")],
        "shift 1.0, elastic 0.3": [(", shift=1.5, elastic=0.4", "")],
        "beta_2 of 0.98": [("weight_decay=WEIGHT_DECAY)", "weight_decay=WEIGHT_DECAY, beta_2=0.98)")],
        "two recurrent layers instead of four": [("range(2)", "range(1)")],
        "a recurrent weight for each gate": [
            ("        self.state_size = units\n", "        self.state_size = units\n"
             '        self.recurrent = self.add_weight(shape=(units,), name="recurrent")\n'),
            ("ops.sigmoid(gate)", "ops.sigmoid(gate + self.recurrent * states[0])"), *A_LAYER_FOR_EACH_DIRECTION],
        "momentum of batch normalization 0.99": [("BatchNormalization()", "BatchNormalization(momentum=0.99)")],
    },
}
