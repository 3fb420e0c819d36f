"""Settings of TensorFlow and Keras with which short trainings start in half of the time. Tests alone use them."""

import keras
import tensorflow as tf


def start_trainings_fast():
    """Neither optimize nor compile graphs, and trace a training step once; all of it takes longer than a few steps."""
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    keras.src.trainers.trainer.model_supports_jit = lambda model: False
    make_train_function = keras.Model.make_train_function

    def with_the_optimizer_built(self, force=False):
        # Otherwise the first step makes the optimizer's variables, and TensorFlow traces it again without them.
        if self.built and getattr(self, "optimizer", None) and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
        return make_train_function(self, force)

    keras.Model.make_train_function = with_the_optimizer_built
