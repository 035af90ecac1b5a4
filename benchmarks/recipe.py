"""What each trick of the training recipe earns, and what it costs.

    SK_FER_DATA=folder python benchmarks/recipe.py run NAME [NAME ...] [--seeds 0 1]
    python benchmarks/recipe.py table
    python benchmarks/recipe.py --quick

One short training loop in plain torch, in which every trick is an option of `Config`.  Each run
learns FER2013's Training split and is scored on PublicTest (so the selection is on PublicTest;
PrivateTest is not touched) and adds one record to benchmarks/results/recipe.json.  Cost is counted
in floating-point operations and in seconds of processor time, which other processes on the machine
hardly change.  `--quick` trains one tiny network on drawn faces and writes nothing.
"""

import argparse
import json
import math
import statistics
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from _harness import fer2013, write_text
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

RESULTS = Path(__file__).parent / "results" / "recipe.json"


@dataclass(frozen=True)
class Config:
    """A recipe. Where a name starts with the name of another, it belongs to that one."""

    # network
    widths: tuple[int, ...] = (16, 32, 64, 128)
    depth: int = 2  # convolutions a stage
    stem: str = "pool"  # "pool": 3x3, max-pool; "stride": 4x4, stride 2; "whiten": frozen
    pool_after: str = "last"  # convolution of a stage: "last" or "first"
    residual: bool = False  # skip around the convolutions of a stage but the first
    activation: str = "relu"
    norm_scale: bool = True  # whether batch norm learns a scale
    dirac: bool = False  # the middle of the filters starts as the identity
    head: str = "mean"  # or "max"
    dropout: float = 0.3
    # images
    sizes: tuple[int, ...] = (24,)  # of equal shares of the steps
    test_size: int | None = None  # the last of sizes
    flip: str = "random"  # or "alternating"
    shift: float = 0.1
    rotation: float = 10.0
    scale: float = 0.1
    erasing: float = 0.0
    label_smoothing: float = 0.1
    # optimization
    epochs: float = 5
    tflop: float = 0.0  # where above zero, as many epochs as cost this
    batch_size: int = 128
    optimizer: str = "sgd"
    lr: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-4
    bias_lr: float = 1.0  # factor of lr for what batch norm adds
    muon_lr: float = 0.05
    muon_momentum: float = 0.6
    muon_steps: int = 3
    muon_decay: float = 0.05
    muon_head: bool = False  # the last layer too
    muon_normalize: bool = False  # filters kept at unit RMS norm, in place of weight decay
    warm_up: float = 0.25
    final_lr: float = 0.0
    shape: str = "linear"
    average: float = 0.0  # EMA: time constant as a share of the steps; 0: none


# -- the network ---------------------------------------------------------------------------


class Stage(nn.Module):
    """Convolutions of as many filters, and a max-pool of two."""

    def __init__(self, n_in: int, n_out: int, c: Config) -> None:
        super().__init__()
        self.c = c
        self.convs = nn.ModuleList(
            nn.Conv2d(n_in if i == 0 else n_out, n_out, 3, padding=1, bias=False)
            for i in range(c.depth)
        )
        self.norms = nn.ModuleList(batch_norm(n_out, c) for _ in range(c.depth))
        self.pooled = 0 if c.pool_after == "first" else c.depth - 1

    def forward(self, x: Tensor) -> Tensor:
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            y = conv(x)
            if i == self.pooled:
                y = F.max_pool2d(y, 2)
            y = activate(norm(y), self.c)
            x = x + y if self.c.residual and i and x.shape == y.shape else y
        return x


def batch_norm(n: int, c: Config) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(n)
    norm.weight.requires_grad = c.norm_scale
    return norm


def activate(x: Tensor, c: Config) -> Tensor:
    return F.relu(x, inplace=True) if c.activation == "relu" else getattr(F, c.activation)(x)


class Network(nn.Module):
    """A stem, stages and a linear layer over what is left of the picture."""

    def __init__(self, c: Config, n_classes: int) -> None:
        super().__init__()
        self.c = c
        first = c.widths[0]
        if c.stem == "pool":
            self.stem = nn.Conv2d(1, first, 3, padding=1, bias=False)
            self.norm = batch_norm(first, c)
        elif c.stem == "stride":
            self.stem = nn.Conv2d(1, first, 4, 2, padding=1, bias=False)
            self.norm = batch_norm(first, c)
        else:
            first = 32
            self.stem = nn.Conv2d(1, 16, 4, 2, padding=1)
            self.stem.weight.requires_grad = False
        stages = zip((first, *c.widths[1:]), c.widths[1:], strict=False)
        self.stages = nn.Sequential(*(Stage(n_in, n_out, c) for n_in, n_out in stages))
        self.head = nn.Linear(c.widths[-1], n_classes)
        if c.dirac:
            for conv in self.stages.modules():
                if isinstance(conv, nn.Conv2d):
                    nn.init.dirac_(conv.weight.data[: conv.in_channels])

    def forward(self, x: Tensor) -> Tensor:
        c = self.c
        x = self.stem(x)
        if c.stem == "whiten":
            x = activate(torch.cat((x, -x), 1), c)
        else:
            x = activate(self.norm(F.max_pool2d(x, 2) if c.stem == "pool" else x), c)
        x = self.stages(x)
        x = x.mean((2, 3)) if c.head == "mean" else x.amax((2, 3))
        return self.head(F.dropout(x, c.dropout, self.training))

    def whiten(self, images: Tensor) -> None:
        """Set the stem to the scaled eigenvectors of the patches' covariance."""
        patches = F.unfold(images, 4, stride=2).transpose(1, 2).reshape(-1, 16)
        values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
        self.stem.weight.data = (vectors / (values + 1e-2).sqrt()).T.reshape(16, 1, 4, 4).clone()


def gflop(c: Config, n_classes: int) -> float:
    """Operations of one step an image, forward and backward, averaged over the sizes."""
    total = 0
    for size in c.sizes:
        with FlopCounterMode(display=False) as counter:
            Network(c, n_classes)(torch.zeros(2, 1, size, size)).sum().backward()
        total += counter.get_total_flops() / 2
    return total / len(c.sizes) / 1e9


# -- the images ----------------------------------------------------------------------------


def standardize(images: Tensor) -> Tensor:
    """Give each uint8 image zero mean and unit variance."""
    x = images.float().unsqueeze(1)
    x = x - x.mean((1, 2, 3), keepdim=True)
    return x / x.std((1, 2, 3), keepdim=True).clamp_min(1e-3)


def vary(x: Tensor, flip: Tensor, size: int, c: Config) -> Tensor:
    """Flip, rotate, scale, shift and resize in one sampling; then erase."""
    n = len(x)
    if c.shift or c.rotation or c.scale or size != x.shape[2]:
        draws = torch.rand(4, n) * 2 - 1
        angle = draws[0] * math.radians(c.rotation)
        scale = 1 / (1 + draws[1] * c.scale)
        cos, sin = scale * angle.cos(), scale * angle.sin()
        mirror = 1 - 2 * flip.float()
        rows = (
            torch.stack([cos * mirror, -sin, draws[2] * 2 * c.shift], 1),
            torch.stack([sin * mirror, cos, draws[3] * 2 * c.shift], 1),
        )
        grid = F.affine_grid(torch.stack(rows, 1), [n, 1, size, size], align_corners=False)
        x = F.grid_sample(x, grid, align_corners=False)
    else:
        x = torch.where(flip.view(-1, 1, 1, 1), x.flip(3), x)
    if c.erasing:
        from sk_fer.training import Augmentation

        x = Augmentation({"erasing": c.erasing})(x, torch.default_generator)
    return x


def resize(x: Tensor, size: int) -> Tensor:
    if size == x.shape[2]:
        return x
    return F.interpolate(x, size=(size, size), mode="bilinear", align_corners=False)


# -- the optimizer -------------------------------------------------------------------------


class Muon(torch.optim.Optimizer):
    """Steps along the nearest orthogonal matrix of the gradient's momentum."""

    def __init__(self, params: list[Tensor], c: Config) -> None:
        super().__init__(params, {"lr": c.muon_lr, "momentum": c.muon_momentum})
        self.c = c

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                buffer = self.state[p].setdefault("momentum", torch.zeros_like(p.grad))
                buffer.mul_(group["momentum"]).add_(p.grad)
                update = p.grad.add(buffer, alpha=group["momentum"])
                update = orthogonalized(update.reshape(len(p), -1), self.c.muon_steps).view_as(p)
                if self.c.muon_normalize:
                    p.mul_(len(p) ** 0.5 / p.norm())
                else:
                    p.mul_(1 - group["lr"] * self.c.muon_decay)
                p.add_(update, alpha=-group["lr"])


def orthogonalized(g: Tensor, steps: int) -> Tensor:
    """Newton-Schulz iteration: all singular values go to about one."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g / (g.norm() + 1e-7)
    x = x.T if len(g) > g.shape[1] else x
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if len(g) > g.shape[1] else x


def optimizers(model: Network, c: Config) -> list[torch.optim.Optimizer]:
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    dims = (2, 4) if c.muon_head else (4,)
    filters = [p for p in trained.values() if p.ndim in dims]
    head = [p for p in trained.values() if p.ndim == 2 and p.ndim not in dims]
    norm = [p for p in trained.values() if p.ndim == 1]
    groups = [
        {"params": head, "weight_decay": c.weight_decay},
        {"params": norm, "lr": c.lr * c.bias_lr, "weight_decay": 0.0},
    ]
    muon = []
    if c.optimizer == "muon":
        muon = [Muon(filters, c)]
    else:
        groups.append({"params": filters, "weight_decay": c.weight_decay})
    sgd = torch.optim.SGD(groups, lr=c.lr, momentum=c.momentum, nesterov=True)
    return [sgd, *muon]


def factor(progress: float, c: Config) -> float:
    """Return the learning rate as a share of the largest."""
    if progress < c.warm_up:
        return 0.04 + 0.96 * progress / c.warm_up
    rest = (1 - progress) / (1 - c.warm_up)
    if c.shape == "cosine":
        rest = 0.5 - 0.5 * math.cos(math.pi * rest)
    return c.final_lr + (1 - c.final_lr) * rest


# -- one run -------------------------------------------------------------------------------


def train(c: Config, data: dict, seed: int) -> dict:
    torch.manual_seed(seed)
    images, target = data["train"]
    n, n_classes = len(images), int(target.max()) + 1
    model = Network(c, n_classes).to(memory_format=torch.channels_last)
    if c.stem == "whiten":
        model.whiten(standardize(images[:2000]))
    steppers = optimizers(model, c)
    full_rates = [[group["lr"] for group in opt.param_groups] for opt in steppers]
    mean = {k: v.clone() for k, v in model.state_dict().items()} if c.average else {}
    cost = gflop(c, n_classes)
    epochs = 1e3 * c.tflop / cost / n or c.epochs
    n_steps = round(epochs * n / c.batch_size)
    steps_an_epoch = n // c.batch_size
    first_flip = torch.rand(n) < 0.5

    model.train()
    started = time.process_time()
    for step in range(n_steps):
        epoch, position = divmod(step, steps_an_epoch)
        if position == 0:
            order = torch.randperm(n)
            random_flip = torch.rand(n) < 0.5
            flips = first_flip ^ bool(epoch % 2) if c.flip == "alternating" else random_flip
        rows = order[position * c.batch_size :][: c.batch_size]
        size = c.sizes[step * len(c.sizes) // n_steps]
        x = vary(standardize(images[rows]), flips[rows], size, c)
        y = target[rows]
        for opt, rates in zip(steppers, full_rates, strict=True):
            for group, rate in zip(opt.param_groups, rates, strict=True):
                group["lr"] = rate * factor(step / n_steps, c)
        loss = F.cross_entropy(model(x), y, label_smoothing=c.label_smoothing)
        loss.backward()
        for opt in steppers:
            opt.step()
            opt.zero_grad()
        if c.average:
            # Warmed up, so that the start does not linger in the mean.
            rate = max(1 / (c.average * n_steps), 1 / (step + 1))
            for name, value in model.state_dict().items():
                if value.is_floating_point():
                    mean[name].lerp_(value, rate)
                else:
                    mean[name] = value.clone()
    seconds = time.process_time() - started
    if c.average:
        model.load_state_dict(mean)
    return {
        "steps": n_steps,
        "images": n_steps * c.batch_size,
        "epochs": round(epochs, 2),
        "gflop_an_image": round(cost, 4),
        "cpu_seconds": round(seconds, 1),
        "images_a_cpu_second": round(n_steps * c.batch_size / seconds, 1),
        "train_loss": round(loss.item(), 4),
        **scores(model, data["test"], c),
    }


@torch.no_grad()
def scores(model: Network, test: tuple[Tensor, Tensor], c: Config) -> dict[str, float]:
    model.eval()
    images, target = test
    size = c.test_size or c.sizes[-1]
    plain, flipped = [], []
    for batch in images.split(256):
        x = resize(standardize(batch), size)
        plain.append(model(x).softmax(1))
        flipped.append(model(x.flip(3)).softmax(1))
    one, other = torch.cat(plain), torch.cat(flipped)
    share = lambda p: round((p.argmax(1) == target).float().mean().item(), 4)  # noqa: E731
    return {"accuracy": share(one), "accuracy_tta": share(one + other)}


# -- the experiments -----------------------------------------------------------------------

BASE = Config()
MUON = replace(BASE, optimizer="muon")
FULL = (32, 64, 128, 256)
MID = replace(MUON, tflop=8, pool_after="first")
HALF = replace(MID, sizes=(24, 32, 40, 48))
EXPERIMENTS: dict[str, Config] = {
    "base": BASE,
    "sgd lr=0.1": replace(BASE, lr=0.1),
    "sgd lr=0.2": replace(BASE, lr=0.2),
    "muon": replace(MUON, muon_normalize=True),
    "muon muon_lr=0.02": replace(MUON, muon_normalize=True, muon_lr=0.02),
    "muon muon_lr=0.1": replace(MUON, muon_normalize=True, muon_lr=0.1),
    "muon decay": replace(MUON, weight_decay=0.05),
    "muon decay 5e-4": MUON,
    "muon decay lr=0.1": replace(MUON, muon_lr=0.1),
    "muon head": replace(MUON, muon_head=True),
    "muon batch=256": replace(MUON, batch_size=256, muon_lr=0.08, muon_normalize=True),
    "muon bias_lr=16": replace(MUON, bias_lr=16),
    "no warp": replace(MUON, shift=0, rotation=0, scale=0),
    "shift only": replace(MUON, shift=0.05, rotation=0, scale=0),
    "alternating flip": replace(MUON, flip="alternating"),
    "no dropout": replace(MUON, dropout=0),
    "no smoothing": replace(MUON, label_smoothing=0),
    "smoothing 0.2": replace(MUON, label_smoothing=0.2),
    "average 0.1": replace(MUON, average=0.1),
    "gelu": replace(MUON, activation="gelu"),
    "max head": replace(MUON, head="max"),
    "residual": replace(MUON, residual=True),
    "dirac": replace(MUON, dirac=True),
    # the network, at equal cost
    "half 32 first": replace(MID, sizes=(32,)),
    "full 32 first": replace(MID, sizes=(32,), widths=FULL),
    "full 24-48 first": replace(MID, sizes=(24, 32, 40, 48), widths=FULL),
    "half 24-48 first": replace(MID, sizes=(24, 32, 40, 48)),
    "half 24-48 whiten": replace(MID, sizes=(24, 32, 40, 48), stem="whiten"),
    "half 24-48 stride": replace(MID, sizes=(24, 32, 40, 48), stem="stride"),
    "half 24-48 last": replace(MID, sizes=(24, 32, 40, 48), pool_after="last"),
    "half 48 first": replace(MID, sizes=(48,)),
    # what the best of these gains from the rest
    "mid batch=256 lr=0.1": replace(HALF, batch_size=256, muon_lr=0.1),
    "mid lr=0.1": replace(HALF, muon_lr=0.1),
    "mid sgd lr=0.1": replace(HALF, optimizer="sgd", lr=0.1),
    "mid flip only": replace(HALF, shift=0, rotation=0, scale=0),
    "mid weaker warp": replace(HALF, shift=0.05, rotation=5, scale=0.05),
    "mid alternating flip": replace(HALF, flip="alternating"),
    "mid no decay": replace(HALF, muon_decay=5e-4),
    "mid average 0.05": replace(HALF, average=0.05),
    "mid residual": replace(HALF, residual=True),
    "mid no dropout": replace(HALF, dropout=0),
    "mid no smoothing": replace(HALF, label_smoothing=0),
    "mid smoothing 0.2": replace(HALF, label_smoothing=0.2),
    "mid dirac": replace(HALF, dirac=True),
    "mid warm_up=0.1": replace(HALF, warm_up=0.1),
    "300 s": replace(HALF, widths=FULL, tflop=40),
    "mid 20-48": replace(HALF, sizes=(20, 28, 36, 48)),
    "mid 24-40": replace(HALF, sizes=(24, 32, 40), test_size=48),
}


def load_data() -> dict:
    data: dict = {}
    names: list[str] = []
    for key, subset in (("train", "train"), ("test", "validation")):
        X, y = fer2013(subset)
        names = names or sorted(set(y))
        codes = torch.from_numpy(np.searchsorted(names, y))
        data[key] = (torch.from_numpy(X.reshape(-1, 48, 48)), codes)
    return data


def drawn_data() -> dict:
    from sk_fer.datasets import make_faces

    X, y = make_faces(320, random_state=0)
    codes = torch.from_numpy(np.unique(y, return_inverse=True)[1])
    images = torch.from_numpy(X.reshape(-1, 48, 48))
    return {"train": (images[:256], codes[:256]), "test": (images[256:], codes[256:])}


def differences(c: Config) -> dict:
    base = asdict(BASE)
    return {k: v for k, v in asdict(c).items() if v != base[k]}


def append(record: dict) -> None:
    records = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    records.append(record)
    write_text(RESULTS, "[\n" + ",\n".join(json.dumps(r) for r in records) + "\n]\n")


def table() -> None:
    """Print what was measured: mean and spread over the seeds."""
    runs: dict[str, list[dict]] = {}
    for record in json.loads(RESULTS.read_text()):
        runs.setdefault(record["name"], []).append(record)
    print(f"{'experiment':28} seeds  acc+flips  (min .. max)     plain   TFLOP  CPU s  img/CPU s")
    for name, records in runs.items():
        tta = [100 * r["accuracy_tta"] for r in records]
        plain = statistics.mean(100 * r["accuracy"] for r in records)
        r = records[-1]
        print(
            f"{name:28} {len(tta):5}  {statistics.mean(tta):9.2f}"
            f"  ({min(tta):5.2f}..{max(tta):5.2f})"
            f"  {plain:6.2f}  {r['images'] * r['gflop_an_image'] / 1e3:6.1f}"
            f"  {r['cpu_seconds']:5.0f}  {r['images_a_cpu_second']:7.0f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one tiny run on drawn faces")
    parser.add_argument("what", nargs="?", choices=["run", "table", "list"], default="list")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    arguments = parser.parse_args()
    if arguments.quick:
        tiny = Config(widths=(4, 8, 8), sizes=(16,), epochs=2, batch_size=32, optimizer="muon")
        print(train(tiny, drawn_data(), 0))
    elif arguments.what == "table":
        table()
    elif arguments.what == "list":
        print("\n".join(EXPERIMENTS))
    else:
        data = load_data()
        for seed in arguments.seeds:
            for name in arguments.names:
                config = EXPERIMENTS[name]
                result = train(config, data, seed)
                append({"name": name, "differs": differences(config), "seed": seed, **result})
                print(name, seed, result, flush=True)


if __name__ == "__main__":
    main()
