"""The changes whose effect `tools/ablation.py` measures, each a row of its tables.

A change replaces pieces of the script's text in a copy.
"""

NO_TEST_TIME_AUGMENTATION = ("import keras\n", "import keras\ncommon.RandomDistortion.AUGMENTATIONS = 1\n")
NO_DESKEWING = ("common.RandomDistortion()", "common.RandomDistortion(deskew=False)")
ALL_PIXELS = ("common.RandomDistortion()", "common.RandomDistortion(28)")
# script: {name of the change: [(text, replacement), ...]}
CHANGES = {
    "task1_autoencoder.py": {
        "1 restart instead of 512": [("RESTARTS = 512", "RESTARTS = 1")],
        "32 restarts": [("RESTARTS = 512", "RESTARTS = 32")],
        "no training": [("EPOCHS = 10", "EPOCHS = 1"), ("LEARNING_RATE = 0.01", "LEARNING_RATE = 0.0")],
        "initial frequencies at random": [("np.pi / (2 * weights.T)", "np.pi / (2 * random.permutation(weights.T))")],
        "initial weights not above 0.1": [("LARGEST = 0.01, 0.8", "LARGEST = 0.01, 0.1")],
        "omega_0 of 1 instead of 100": [("OMEGA_0 = 100.0", "OMEGA_0 = 1.0")],
        "twice the epochs": [("EPOCHS = 10", "EPOCHS = 20")],
    },
    "task2_multitask.py": {
        "no distortion": [("common.RandomDistortion()", "layers.Cropping2D(3)"),
                          ("        common.AugmentationMean(),", "")],
        "28 x 28 pixels": [ALL_PIXELS],
        "no deskewing": [NO_DESKEWING],
        "no test-time augmentation": [NO_TEST_TIME_AUGMENTATION],
        "half of the steps": [("EPOCHS = 20", "EPOCHS = 10")],
    },
    "task3_cnn.py": {
        "20 filters before the average instead of 48": [("x = convolution(x, 48, 1) ", "#")],
        "no distortion": [("common.RandomDistortion()", "layers.Cropping2D(3)"), ("common.AugmentationMean()(x)", "x")],
        "28 x 28 pixels": [ALL_PIXELS],
        "no deskewing": [NO_DESKEWING],
        "no elastic distortion": [("common.RandomDistortion()", "common.RandomDistortion(elastic=0)")],
        "no change of the stroke width": [("common.RandomDistortion()", "common.RandomDistortion(stroke=0)")],
        "no test-time augmentation": [NO_TEST_TIME_AUGMENTATION],
        "half of the steps": [("EPOCHS = 20", "EPOCHS = 10")],
    },
    "task4_rnn.py": {
        "no distortion": [("common.RandomDistortion()", "layers.Cropping2D(3)"),
                          ("common.AugmentationMean()(layers.Dense(10)(x))", "layers.Dense(10)(x)")],
        "no deskewing": [NO_DESKEWING],
        "no test-time augmentation": [NO_TEST_TIME_AUGMENTATION],
        "60 features before the mean": [("GlobalAveragePooling2D()(x)",
                                         'GlobalAveragePooling2D()(layers.Dense(60, activation="tanh")(x))')],
        "maximum beside the mean": [
            ("layers.GlobalAveragePooling2D()(x)",
             "layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])")],
        "6 x 6 patches of 28 x 28 pixels": [ALL_PIXELS, ("(x, 4, strides=3)", '(x, 6, strides=4, padding="same")')],
        "two ReNet layers instead of four": [("range(2)", "range(1)")],
        "no batch normalization": [("return common.BatchNormalization()(x)", "return x")],
        "clipping of gradients": [("weight_decay=WEIGHT_DECAY", "weight_decay=WEIGHT_DECAY, global_clipnorm=1.0")],
        "weight decay of 0.02 instead of 0.05": [("WEIGHT_DECAY = 0.05", "WEIGHT_DECAY = 0.02")],
        "half of the steps": [("EPOCHS = 20", "EPOCHS = 10")],
    },
}
