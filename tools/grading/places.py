"""Where the random functions of TensorFlow and Keras take a seed."""

# Which positional argument of the random functions of TensorFlow and Keras is a seed, by module: the names of the
# functions by position. A test makes it anew from their signatures.
SEED_AT = {
    "": {
        0: "glorot_normal_initializer glorot_uniform_initializer set_random_seed",
        1: "orthogonal_initializer random_index_shuffle random_shuffle uniform_unit_scaling_initializer",
        2: "multinomial random_crop random_normal_initializer random_uniform_initializer "
           "truncated_normal_initializer",
        3: "random_poisson variance_scaling_initializer",
        4: "random_gamma random_normal random_uniform truncated_normal",
        5: "RandomShuffleQueue"},
    "random": {
        0: "create_rng_state fold_in set_random_seed set_seed split",
        1: "shuffle stateless_binomial stateless_gamma stateless_normal "
           "stateless_parameterized_truncated_normal stateless_poisson stateless_truncated_normal "
           "stateless_uniform",
        2: "multinomial stateless_categorical stateless_multinomial",
        3: "categorical poisson",
        4: "all_candidate_sampler gamma normal truncated_normal uniform",
        5: "learned_unigram_candidate_sampler log_uniform_candidate_sampler uniform_candidate_sampler",
        11: "fixed_unigram_candidate_sampler"},
    "nn": {
        3: "compute_accidental_hits dropout",
        4: "all_candidate_sampler",
        5: "learned_unigram_candidate_sampler log_uniform_candidate_sampler uniform_candidate_sampler",
        11: "fixed_unigram_candidate_sampler"},
    "image": {
        1: "random_flip_left_right random_flip_up_down stateless_random_flip_left_right "
           "stateless_random_flip_up_down",
        2: "random_brightness random_crop random_hue sample_distorted_bounding_box "
           "stateless_random_brightness stateless_random_crop stateless_random_hue "
           "stateless_sample_distorted_bounding_box",
        3: "random_contrast random_jpeg_quality random_saturation stateless_random_contrast "
           "stateless_random_jpeg_quality stateless_random_saturation"},
    "experimental": {
        0: "create_rng_state stateless_fold_in stateless_split",
        1: "index_shuffle stateless_shuffle",
        2: "stateless_dropout"},
    "initializers": {
        0: "GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform glorot_normal "
           "glorot_uniform he_normal he_uniform lecun_normal lecun_uniform",
        1: "Orthogonal OrthogonalInitializer orthogonal uniform_unit_scaling",
        2: "RandomNormal RandomUniform TruncatedNormal random_normal random_uniform truncated_normal",
        3: "VarianceScaling variance_scaling"},
    "layers": {
        1: "CutMix GaussianDropout GaussianNoise RandomFlip SpatialDropout1D",
        2: "AlphaDropout Dropout MixUp RandomBrightness RandomContrast RandomCrop RandomGrayscale "
           "RandomInvert SpatialDropout2D SpatialDropout3D",
        3: "Attention RandomColorDegeneration RandomHue RandomPosterization RandomRotation RandomSaturation "
           "RandomSharpness Solarization",
        4: "JaxLayer RandAugment RandomErasing RandomPerspective RandomTranslation RandomZoom",
        5: "RandomColorJitter RandomGaussianBlur",
        6: "RandomElasticTransform RandomShear",
        7: "AugMix",
        14: "SimpleRNNCell",
        15: "GroupQueryAttention",
        16: "GRU GRUCell LSTMCell",
        17: "LSTM MultiHeadAttention",
        20: "SimpleRNN",
        22: "ConvLSTM1D ConvLSTM2D ConvLSTM3D"},
    "keras.random": {
        0: "SeedGenerator",
        2: "shuffle",
        3: "categorical dropout gamma",
        4: "beta binomial normal randint truncated_normal uniform"},
}
