"""What the parameters of networks over a backbone may be: for estimators, without torch."""

OWN_BACKBONES = ("accurate", "fast")
HEADS = ("linear", "conv")
STEMS = ("full", "no_pool", "no_stride")
TRAINABLE = ("head", "last_stage", "all")
