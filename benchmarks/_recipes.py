"""The settings of a training recipe, and the recipes that benchmarks/recipe.py compares."""

from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True)
class Config:
    """A recipe."""

    # network
    widths: tuple[int, ...] = (32, 64, 128, 256)
    depths: tuple[int, ...] = (1, 2, 2, 2)  # convolutions per stage
    pools: tuple[int, ...] = (1, 1, 1, 1)  # whether a stage halves the sides
    pool_after: str = "first"  # which convolution of a stage
    residual: bool = False  # skip over the convolutions of a stage after the first
    squeeze: bool = False  # squeeze and excitation at the end of a stage
    activation: str = "relu"
    dropout: float = 0.3
    drop_path: float = 0.0
    # images
    sizes: tuple[int, ...] = (24, 32, 40, 48)  # of equal shares of the steps
    flip: float = 0.5
    shift: float = 0.1
    rotation: float = 10.0
    scale: float = 0.1
    erasing: float = 0.0
    gamma: float = 0.0
    mixup: float = 0.0  # probability
    mixup_alpha: float = 1.0
    cutmix: float = 0.0  # probability
    label_smoothing: float = 0.1
    focal: bool = False
    votes: float = 0.0  # share of the FER+ votes in the targets (extra supervision)
    distil: float = 0.0  # share of a teacher, trained for the first half, in the targets
    hardest: float = 0.0  # share of the images with the largest loss in a small network, or 0: all
    # optimization
    epochs: float = 40
    batch_size: int = 128
    optimizer: str = "muon"
    lr: float = 0.05
    momentum: float = 0.6
    weight_decay: float = 5e-4
    iterations: int = 3  # of Newton and Schulz
    warm_up: float = 0.25
    shape: str = "linear"
    ema: float = 0.0  # time constant as a share of the steps
    lookahead: int = 0  # steps until the weights go half the way back, or 0


BASE = Config()
STRONG = {"shift": 0.12, "rotation": 12.0, "scale": 0.15}
STRONGER = {"shift": 0.15, "rotation": 20.0, "scale": 0.25}
SGD = {"optimizer": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4}
# One change each from the default of version 0.1, by what it concerns.
CHANGES: dict[str, dict] = {
    "as it was": {},
    "decay 0.01": {"weight_decay": 0.01},
    "decay 0.05": {"weight_decay": 0.05},
    "decay 0.15": {"weight_decay": 0.15},
    "rate 0.025": {"lr": 0.025},
    "rate 0.1": {"lr": 0.1},
    "rate 0.1, decay 0.05": {"lr": 0.1, "weight_decay": 0.05},
    "momentum 0.9": {"momentum": 0.9},
    "2 iterations": {"iterations": 2},
    "sgd 0.1": SGD,
    "sgd 0.05": SGD | {"lr": 0.05},
    "sgd 0.2": SGD | {"lr": 0.2},
    "sgd 0.1, whole images": SGD | {"sizes": (48,)},
    "batch 256, rate 0.1": {"batch_size": 256, "lr": 0.1},
    "batch 64": {"batch_size": 64},
    "no warp": {"shift": 0.0, "rotation": 0.0, "scale": 0.0},
    "strong warp": STRONG,
    "stronger warp": STRONGER,
    "erasing 0.3": {"erasing": 0.3},
    "erasing 0.7": {"erasing": 0.7},
    "gamma 0.5": {"gamma": 0.5},
    "mixup 0.5": {"mixup": 0.5},
    "mixup, alpha 0.2": {"mixup": 1.0, "mixup_alpha": 0.2},
    "cutmix 0.5": {"cutmix": 0.5},
    "mixup and cutmix 0.25": {"mixup": 0.25, "cutmix": 0.25},
    "smoothing 0": {"label_smoothing": 0.0},
    "smoothing 0.2": {"label_smoothing": 0.2},
    "dropout 0": {"dropout": 0.0},
    "dropout 0.5": {"dropout": 0.5},
    "focal": {"focal": True},
    "mean of weights 0.05": {"ema": 0.05},
    "distilled": {"distil": 0.5},
    "votes": {"votes": 1.0},
    "whole images": {"sizes": (48,)},
    "sizes 32 to 48": {"sizes": (32, 40, 48)},
    "sizes 24 to 48, last half whole": {"sizes": (24, 36, 48, 48)},
    "cosine": {"shape": "cosine"},
    "warm-up 0.1": {"warm_up": 0.1},
    "silu": {"activation": "silu"},
    "squeeze": {"squeeze": True},
    "pools after pairs": {"pool_after": "last"},
    "3 a stage, residual": {"depths": (1, 3, 3, 3), "residual": True},
    "3 a stage, residual, paths dropped": {
        "depths": (1, 3, 3, 3),
        "residual": True,
        "drop_path": 0.15,
    },
    "widths 48 to 384": {"widths": (48, 96, 192, 384)},
    "widths 24 to 192": {"widths": (24, 48, 96, 192)},
    "widths 32 to 512": {
        "widths": (32, 64, 128, 256, 512),
        "depths": (1, 1, 2, 2, 1),
        "pools": (1, 1, 1, 1, 0),
    },
    "deeper where small": {"depths": (1, 1, 2, 4)},
}
BRIEF = [
    "as it was",
    "decay 0.05",
    "rate 0.025",
    "rate 0.1",
    "sgd 0.1",
    "no warp",
    "strong warp",
    "mixup 0.5",
    "cutmix 0.5",
    "smoothing 0",
    "dropout 0",
    "mean of weights 0.05",
    "distilled",
    "votes",
    "whole images",
    "sizes 24 to 48, last half whole",
    "batch 64",
    "batch 256, rate 0.1",
    "silu",
    "squeeze",
    "pools after pairs",
    "3 a stage, residual",
    "widths 48 to 384",
    "2 iterations",
    "erasing 0.3",
    "warm-up 0.1",
]
WIDE = {
    "residual": True,
    "widths": (64, 128, 256, 512),
    "depths": (1, 3, 3, 3),
    "weight_decay": 0.05,
    "lr": 0.05,
    "dropout": 0.4,
    **STRONG,
}
# The second round starts from the best of the first: whole images, a higher rate, more decay.
SECOND = {"sizes": (48,), "lr": 0.1, "weight_decay": 0.05}
WEAK = {"shift": 0.05, "rotation": 5.0, "scale": 0.05}
NO_WARP = {"shift": 0.0, "rotation": 0.0, "scale": 0.0}
ROUND_2: dict[str, dict] = {
    "second": SECOND,
    "strong warp": SECOND | STRONG,
    "decay 0.1": SECOND | {"weight_decay": 0.1},
    "rate 0.2": SECOND | {"lr": 0.2},
    "sizes 32 to 48, last half whole": SECOND | {"sizes": (32, 40, 48, 48)},
    "mean of weights 0.05, dropout 0": SECOND | {"ema": 0.05, "dropout": 0.0},
    "sgd 0.2, decay 1e-3": SECOND | SGD | {"lr": 0.2, "weight_decay": 1e-3},
    "sgd 0.1, decay 2e-3, strong warp": SECOND | SGD | STRONG | {"weight_decay": 2e-3},
    "sgd 0.3, batch 256, decay 1e-3": SECOND
    | SGD
    | {"lr": 0.3, "batch_size": 256, "weight_decay": 1e-3},
    "pools after pairs": SECOND | {"pool_after": "last"},
    "silu": SECOND | {"activation": "silu"},
    "3 a stage, residual, strong warp": SECOND
    | STRONG
    | {"depths": (1, 3, 3, 3), "residual": True},
}
ROUND_2_BRIEF: dict[str, dict] = {
    "second": SECOND,
    "weak warp": SECOND | WEAK,
    "no warp": SECOND | NO_WARP,
    "weak warp, dropout 0": SECOND | WEAK | {"dropout": 0.0},
    "weak warp, sgd 0.2, decay 1e-3": SECOND | WEAK | SGD | {"lr": 0.2, "weight_decay": 1e-3},
    "weak warp, pools after pairs": SECOND | WEAK | {"pool_after": "last"},
    "weak warp, batch 256, rate 0.15": SECOND | WEAK | {"batch_size": 256, "lr": 0.15},
    "weak warp, batch 64": SECOND | WEAK | {"batch_size": 64, "lr": 0.07},
}
WIDE_2 = WIDE | SECOND
ROUND_2_LARGE: dict[str, dict] = {
    "stem pooled": WIDE_2,
    "stem pooled, mixed": WIDE_2 | {"mixup": 0.25, "cutmix": 0.25},
    "preset": WIDE_2 | {"pools": (0, 1, 1, 1), "batch_size": 256},
    "stem pooled, decay 0.15, stronger warp": WIDE_2 | STRONGER | {"weight_decay": 0.15},
    "stem pooled, squeeze, paths, erasing": WIDE_2
    | {"squeeze": True, "drop_path": 0.15, "erasing": 0.3},
    "preset, mixed": WIDE_2
    | {"pools": (0, 1, 1, 1), "batch_size": 256, "mixup": 0.25, "cutmix": 0.25},
}
# The third round: how the changes of the images depend on the length of a fit.
GROWING = {"sizes": (24, 32, 40, 48)}
RESIDUAL = SECOND | {"residual": True, "widths": (64, 128, 256, 512), "depths": (1, 3, 3, 3)}
ROUND_3: dict[str, dict[str, dict]] = {
    "10 epochs, third round": {
        "no warp": SECOND | NO_WARP,
        "no warp, batch 256": SECOND | NO_WARP | {"batch_size": 256},
        "no warp, dropout 0": SECOND | NO_WARP | {"dropout": 0.0},
        "no warp, sgd 0.2, decay 1e-3": SECOND | NO_WARP | SGD | {"lr": 0.2, "weight_decay": 1e-3},
        "no warp, growing": SECOND | NO_WARP | GROWING,
    },
    "20 epochs, third round": {
        "no warp": SECOND | NO_WARP,
        "weak warp": SECOND | WEAK,
        "warp": SECOND,
        "weak warp, growing": SECOND | WEAK | GROWING,
    },
    "60 epochs, third round": {
        "warp, growing": SECOND | GROWING,
        "warp": SECOND,
        "strong warp, growing, erasing": SECOND | STRONG | GROWING | {"erasing": 0.3},
        "warp, growing, mean of weights": SECOND | GROWING | {"ema": 0.05},
    },
    "30 epochs, residual networks": {
        "residual": RESIDUAL | {"batch_size": 256, "dropout": 0.4},
        "residual, strong warp, erasing": RESIDUAL
        | STRONG
        | {"batch_size": 256, "dropout": 0.4, "erasing": 0.3},
        "residual, mixed": RESIDUAL
        | {"batch_size": 256, "dropout": 0.4, "mixup": 0.25, "cutmix": 0.25},
    },
}
# The fourth round: what the first ones left out, from the default of short fits.
SHORT = SECOND | NO_WARP
ROUND_4: dict[str, dict] = {
    "no warp": SHORT,
    "no warp, lookahead": SHORT | {"lookahead": 5},
    "no warp, the harder half": SHORT | {"hardest": 0.5},
    "no warp, the harder three quarters": SHORT | {"hardest": 0.75},
    "no warp, 3 a stage, residual": SHORT | {"depths": (1, 3, 3, 3), "residual": True},
    "no warp, 3 a stage, residual, paths dropped": SHORT
    | {"depths": (1, 3, 3, 3), "residual": True, "drop_path": 0.1},
}
_GROUPS: dict[str, dict[str, dict]] = {
    **{f"{n} epochs": {k: CHANGES[k] for k in BRIEF} for n in (2, 10)},
    "40 epochs": CHANGES,
    **{f"{n} epochs, second round": ROUND_2_BRIEF for n in (2, 10)},
    "40 epochs, second round": ROUND_2,
    "40 epochs, residual networks": ROUND_2_LARGE,
    **ROUND_3,
    **{f"{n} epochs, fourth round": ROUND_4 for n in (2, 10)},
}
GROUPS: dict[str, dict[str, Config]] = {
    group: {
        name: replace(BASE, epochs=int(group.split()[0]), **changes)
        for name, changes in recipes.items()
    }
    for group, recipes in _GROUPS.items()
}


def differences(c: Config) -> dict:
    """Return the settings that are not those of the default of version 0.1."""
    base = asdict(BASE)
    return {k: v for k, v in asdict(c).items() if v != base[k]}
