"""What each part of the training recipe contributes to the accuracy.

    SK_FER_DATA=folder python benchmarks/recipe.py run GROUP [GROUP ...] [--seeds 0 1] [--minutes 5]
    python benchmarks/recipe.py list | table
    python benchmarks/recipe.py --quick

Every recipe of `_recipes.GROUPS` is trained on four fifths of
FER2013's Training images and scored on the last fifth, which differs by seed; PublicTest is never
read. The loop is plain torch. On a GPU, each training step is one CUDA graph and many runs share
the device, which makes a hundred runs of 40 epochs a matter of minutes. On a CPU, the runs follow
one another. Every run adds one record to benchmarks/results/recipe.json. `--quick` trains one
tiny network on drawn faces and writes nothing.
"""

import argparse
import json
import math
import os
import statistics
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from _harness import data_folder, machine, versions, write_text
from _recipes import GROUPS, Config, differences
from torch import Tensor, nn
from torch.nn import functional as F

from sk_fer.datasets import load_fer2013
from sk_fer.training import resolve_precision

os.environ.setdefault("CUDA_DEVICE_MAX_CONNECTIONS", "32")
RESULTS = Path(__file__).parent / "results" / "recipe.json"
CONCURRENT = 12  # runs that share a GPU
N_FOLDS = 5


# -- the network ---------------------------------------------------------------------------


def conv_block(n_in: int, n_out: int, c: Config, pool: bool = False) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)]
    layers += [nn.MaxPool2d(2)] if pool else []
    activation = nn.ReLU(inplace=True) if c.activation == "relu" else nn.SiLU(inplace=True)
    return nn.Sequential(*layers, nn.BatchNorm2d(n_out), activation)


class Squeeze(nn.Module):
    """Channels scaled by weights that depend on the mean of each channel."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.scale = nn.Sequential(
            nn.Linear(n, n // 8), nn.ReLU(inplace=True), nn.Linear(n // 8, n), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale(x.mean((2, 3)))[:, :, None, None].to(x.dtype)


class Residual(nn.Module):
    """The sum of an input and of the output of layers, which are dropped for some images."""

    def __init__(self, layers: nn.Module, c: Config) -> None:
        super().__init__()
        self.layers, self.drop = layers, c.drop_path

    def forward(self, x: Tensor) -> Tensor:
        y = self.layers(x)
        if self.drop and self.training:
            kept = (torch.rand(len(x), 1, 1, 1, device=x.device) >= self.drop) / (1 - self.drop)
            y = y * kept.to(y.dtype)
        return x + y


class Network(nn.Module):
    """Stages of convolutions and a linear layer over the mean of each channel."""

    def __init__(self, c: Config, n_classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        n_in = 1
        for width, depth, pool in zip(c.widths, c.depths, c.pools, strict=True):
            pooled = 0 if c.pool_after == "first" else depth - 1
            blocks = [
                conv_block(n_in if i == 0 else width, width, c, bool(pool) and i == pooled)
                for i in range(depth)
            ]
            if c.residual and depth > 1:
                blocks = [blocks[0], Residual(nn.Sequential(*blocks[1:]), c)]
            layers += blocks + ([Squeeze(width)] if c.squeeze and depth > 1 else [])
            n_in = width
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Dropout(c.dropout), nn.Linear(n_in, n_classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).mean((2, 3)))


# -- the images ----------------------------------------------------------------------------


def standardize(images: Tensor, gamma: float = 0.0) -> Tensor:
    """Give each uint8 image zero mean and unit variance."""
    x = images.float().unsqueeze(1)
    if gamma:
        power = torch.exp(gamma * (2 * torch.rand(len(x), 1, 1, 1, device=x.device) - 1))
        x = (x / 255) ** power * 255
    x = x - x.mean((1, 2, 3), keepdim=True)
    return x / x.std((1, 2, 3), keepdim=True).clamp_min(1e-3)


def vary(x: Tensor, size: int, c: Config) -> Tensor:
    """Flip, rotate, scale, shift and resize in one sampling, then erase a rectangle."""
    n, device = len(x), x.device
    draws = torch.rand(4, n, device=device) * 2 - 1
    angle = draws[0] * math.radians(c.rotation)
    scale = 1 / (1 + draws[1] * c.scale)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    mirror = torch.where(torch.rand(n, device=device) < c.flip, -1.0, 1.0)
    rows = (
        torch.stack([cos * mirror, -sin, draws[2] * 2 * c.shift], 1),
        torch.stack([sin * mirror, cos, draws[3] * 2 * c.shift], 1),
    )
    grid = F.affine_grid(torch.stack(rows, 1), [n, 1, size, size], align_corners=False)
    x = F.grid_sample(x, grid, align_corners=False)
    if c.erasing:
        draws = torch.rand(5, n, device=device)
        area = 0.02 + 0.18 * draws[0]
        aspect = torch.exp((2 * draws[1] - 1) * math.log(3.0))
        inside = rectangle(size, draws[2], draws[3], (area * aspect).sqrt(), (area / aspect).sqrt())
        x = x.masked_fill(inside & (draws[4] < c.erasing).view(-1, 1, 1, 1), 0.0)
    return x


def rectangle(size: int, top: Tensor, left: Tensor, tall: Tensor, wide: Tensor) -> Tensor:
    """Return masks, (n, 1, size, size), of rectangles in shares of the side."""
    centres = (torch.arange(size, device=top.device) + 0.5) / size
    tall, wide = tall.clamp_max(1), wide.clamp_max(1)
    top, left = top * (1 - tall), left * (1 - wide)
    rows = (centres >= top[:, None]) & (centres < (top + tall)[:, None])
    columns = (centres >= left[:, None]) & (centres < (left + wide)[:, None])
    return rows[:, None, :, None] & columns[:, None, None, :]


def mix(x: Tensor, target: Tensor, shares: Tensor, c: Config) -> tuple[Tensor, Tensor]:
    """Mix each image and its target with another image of the batch."""
    n = len(x)
    other = x.roll(1, 0)
    which = torch.rand(n, device=x.device)
    share = shares[(torch.rand(n, device=x.device) * len(shares)).long()]
    share = torch.where(which < c.mixup, share, torch.ones_like(share)).view(-1, 1, 1, 1)
    mixed = x * share + other * (1 - share)
    if c.cutmix:
        cut = (which >= c.mixup) & (which < c.mixup + c.cutmix)
        draws = torch.rand(3, n, device=x.device)
        side = (1 - draws[2]).sqrt()
        inside = rectangle(x.shape[2], draws[0], draws[1], side, side) & cut.view(-1, 1, 1, 1)
        mixed = torch.where(inside, other, mixed)
        kept = 1 - inside.float().mean((1, 2, 3), keepdim=True)
        share = torch.where(cut.view(-1, 1, 1, 1), kept, share)
    share = share.view(-1, 1)
    return mixed, target * share + target.roll(1, 0) * (1 - share)


# -- the optimizer -------------------------------------------------------------------------


def orthogonalized(g: Tensor, iterations: int) -> Tensor:
    """Return about the nearest orthogonal matrix, by Newton-Schulz iteration."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g / (g.norm() + 1e-7)
    if g.is_cuda:
        x = x.bfloat16()
    x = x.T if len(g) > g.shape[1] else x
    for _ in range(iterations):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return (x.T if len(g) > g.shape[1] else x).to(g.dtype)


class Optimizer:
    """SGD with Nesterov's momentum, or Muon, with a rate from a table on the device."""

    def __init__(self, model: nn.Module, c: Config, n_steps: int, device: torch.device) -> None:
        self.c = c
        self.weights = list(model.parameters())
        self.momenta = [torch.zeros_like(p) for p in self.weights]
        progress = np.arange(n_steps) / n_steps
        down = (1 - progress) / (1 - c.warm_up)
        if c.shape == "cosine":
            down = 0.5 - 0.5 * np.cos(np.pi * down)
        up = 0.04 + 0.96 * progress / max(c.warm_up, 1e-9)
        rates = c.lr * np.where(progress < c.warm_up, up, down)
        self.rates = torch.tensor(rates, dtype=torch.float32, device=device)

    @torch.no_grad()
    def step(self, position: Tensor) -> None:
        c = self.c
        rate = self.rates.index_select(0, position).squeeze()
        gradients = [p.grad for p in self.weights]
        matrices = [p for p in self.weights if p.ndim > 1]
        if c.optimizer == "sgd":
            decayed = [g for g in gradients if g.ndim > 1]
            torch._foreach_add_(decayed, matrices, alpha=c.weight_decay)
        torch._foreach_mul_(self.momenta, c.momentum)
        torch._foreach_add_(self.momenta, gradients)
        updates = torch._foreach_add(gradients, self.momenta, alpha=c.momentum)
        if c.optimizer == "muon":
            updates = [
                orthogonalized(u.flatten(1), c.iterations).view_as(u) if u.ndim > 1 else u
                for u in updates
            ]
            torch._foreach_mul_(matrices, 1 - rate * c.weight_decay)
        updates = [u.contiguous() for u in updates]
        torch._foreach_mul_(updates, rate)
        torch._foreach_sub_(self.weights, updates)


# -- one run -------------------------------------------------------------------------------


class Run:
    """One training, a step at a time."""

    def __init__(self, name: str, c: Config, data: dict, seed: int, device: torch.device) -> None:
        self.name, self.c, self.data, self.seed = name, c, data, seed
        self.device = device
        self.stream = torch.cuda.Stream() if device.type == "cuda" else None
        self.train_rows, self.valid_rows = data["folds"][seed % N_FOLDS]
        self.generator = torch.Generator().manual_seed(seed)
        self.shares = torch.from_numpy(
            np.random.default_rng(seed).beta(c.mixup_alpha, c.mixup_alpha, 65536)
        ).to(device, torch.float32)
        self.targets = F.one_hot(data["target"], data["n_classes"]).float()
        if c.votes:
            self.targets = (1 - c.votes) * self.targets + c.votes * data["votes"]
        self.losses: Tensor | None = None  # of all images in the small network
        self.phase = 0
        self._start()

    def _start(self) -> None:
        c, device = self.c, self.device
        torch.random.default_generator.manual_seed(self.seed + 1000 * self.phase)
        first_of_two = self.phase == 0 and self._has_two_phases()
        small = first_of_two and c.hardest
        widths = tuple(width // 2 for width in c.widths) if small else c.widths
        self.model = Network(replace(c, widths=widths), self.data["n_classes"]).to(
            device, memory_format=torch.channels_last
        )
        n, batch = len(self.train_rows), c.batch_size
        epochs = c.epochs / 2 if c.distil else c.epochs  # of the teacher, and of the student
        if c.hardest:  # an epoch of the small network takes a quarter of the time
            epochs = c.epochs / 2 if first_of_two else c.epochs * 7 / 8
        self.n_steps = max(round(epochs * n / batch), len(c.sizes) * 4)
        drawn = round(batch / c.hardest) if self.losses is not None else batch
        rows, n_epochs = [], math.ceil(self.n_steps * drawn / (n // drawn * drawn))
        for _ in range(n_epochs):
            order = torch.randperm(n, generator=self.generator)[: n // drawn * drawn]
            rows.append(self.train_rows[order])
        self.rows = torch.cat(rows).to(device)
        if self.losses is not None:
            batches = self.rows.view(-1, drawn)
            kept = self.losses[batches].topk(batch, dim=1).indices
            self.rows = batches.gather(1, kept).flatten()
        self.position = torch.zeros(1, dtype=torch.long, device=device)
        self.offsets = torch.arange(batch, device=device)
        self.optimizer = Optimizer(self.model, c, self.n_steps, device)
        self.state = [v for v in self.model.state_dict().values() if v.is_floating_point()]
        self.mean = [v.clone() for v in self.state] if c.ema else []
        self.ema_rate = 1 / (c.ema * self.n_steps) if c.ema else 0.0
        self.slow = [v.clone() for v in self.state] if c.lookahead else []
        self.done, self.warm, self.graphs = 0, {}, {}
        self.model.train()
        if self.stream is not None:
            self.stream.wait_stream(torch.cuda.current_stream())

    def _step(self, size: int) -> None:
        c, data = self.c, self.data
        rows = self.rows.index_select(0, self.position * c.batch_size + self.offsets)
        x = vary(standardize(data["images"].index_select(0, rows), c.gamma), size, c)
        target = self.targets.index_select(0, rows)
        if c.mixup or c.cutmix:
            x, target = mix(x, target, self.shares, c)
        x = x.contiguous(memory_format=torch.channels_last)
        with autocast(self.device):
            logits = self.model(x).float()
        target = target * (1 - c.label_smoothing) + c.label_smoothing / target.shape[1]
        log = logits.log_softmax(1)
        terms = -target * log
        if c.focal:
            terms = terms * (1 - log.exp()) ** 2
        loss = terms.sum(1).mean()
        for p in self.model.parameters():
            p.grad = None
        loss.backward()
        self.optimizer.step(self.position)
        if self.mean:
            torch._foreach_lerp_(self.mean, self.state, self.ema_rate)
        self.position += 1

    def step(self) -> bool:
        """Train on one batch and return whether there are more."""
        size = self.c.sizes[self.done * len(self.c.sizes) // self.n_steps]
        if self.stream is None:
            self._step(size)
        else:
            self._step_on_gpu(size)
        self.done += 1
        if self.slow and self.done % self.c.lookahead == 0:
            self._look_back()
        if self.done < self.n_steps:
            return True
        if self._has_two_phases() and not self.phase:
            self._second_phase()
            return True
        return False

    def _step_on_gpu(self, size: int) -> None:
        with torch.cuda.stream(self.stream):
            if size in self.graphs:
                self.graphs[size].replay()
            elif self.warm.get(size, 0) < 3:  # these steps count, and prepare for the capture
                self.warm[size] = self.warm.get(size, 0) + 1
                self._step(size)
            else:
                graph = torch.cuda.CUDAGraph()
                torch.cuda.synchronize()
                graph.capture_begin(capture_error_mode="relaxed")
                self._step(size)
                graph.capture_end()
                self.graphs[size] = graph
                graph.replay()

    @torch.no_grad()
    def _look_back(self) -> None:
        with torch.cuda.stream(self.stream):
            torch._foreach_lerp_(self.slow, self.state, 0.5)
            torch._foreach_copy_(self.state, self.slow)

    def _has_two_phases(self) -> bool:
        return bool(self.c.distil or self.c.hardest)

    def _second_phase(self) -> None:
        c = self.c
        if self.stream is not None:
            torch.cuda.synchronize()
        self._use_mean()
        learned = torch.cat([p for p, _ in self._probabilities(torch.arange(len(self.targets)))])
        if c.hardest:
            self.losses = -(self.targets * learned.clamp_min(1e-9).log()).sum(1)
        self.targets = (1 - c.distil) * self.targets + c.distil * learned
        self.phase = 1
        self._start()

    def _use_mean(self) -> None:
        if self.mean:
            with torch.no_grad():
                for value, mean in zip(self.state, self.mean, strict=True):
                    value.copy_(mean)

    @torch.no_grad()
    def _probabilities(self, rows: Tensor) -> list[tuple[Tensor, Tensor]]:
        self.model.eval()
        pairs = []
        for chosen in rows.to(self.device).split(512):
            x = standardize(self.data["images"][chosen])
            x = x.contiguous(memory_format=torch.channels_last)
            with autocast(self.device):
                one, other = self.model(x), self.model(x.flip(3))
            pairs.append((one.float().softmax(1), other.float().softmax(1)))
        self.model.train()
        return pairs

    def result(self) -> dict:
        if self.stream is not None:
            self.stream.synchronize()
        self._use_mean()
        record: dict = {}
        for name, rows in (("valid", self.valid_rows), ("train", self.train_rows[:4000])):
            pairs = self._probabilities(rows)
            one, other = (torch.cat(side) for side in zip(*pairs, strict=True))
            target = self.data["target"][rows.to(self.device)]
            right = lambda p, t=target: round((p.argmax(1) == t).float().mean().item(), 4)  # noqa: E731
            mean = (one + other) / 2
            loss = -mean.gather(1, target[:, None]).clamp_min(1e-9).log().mean().item()
            record |= {name: right(one), f"{name}_mirrored": right(mean)}
            record |= {f"{name}_loss": round(loss, 4)}
        return record


def autocast(device: torch.device) -> torch.autocast:
    precision = resolve_precision("auto", device)
    return torch.autocast(
        device.type, torch.bfloat16, enabled=precision == torch.bfloat16, cache_enabled=False
    )


# -- many runs -----------------------------------------------------------------------------


def train_all(waiting: list[tuple], data: dict, device: torch.device, until: float) -> None:
    """Train runs, on a GPU several at a time, until all are done or the time is up."""
    waiting, running = list(waiting), []
    n_slots = CONCURRENT if device.type == "cuda" else 1
    while waiting or running:
        while waiting and len(running) < n_slots and time.monotonic() < until:
            group, name, config, seed = waiting.pop(0)
            run = Run(name, config, data, seed, device)
            run.group, run.started = group, time.monotonic()
            running.append(run)
        if not running or time.monotonic() > until + 20:
            break
        for _ in range(20):
            for run in list(running):
                if not run.step():
                    running.remove(run)
                    seconds = round(time.monotonic() - run.started, 1)
                    record = {
                        "group": run.group,
                        "name": run.name,
                        "seed": run.seed,
                        "seconds": seconds,
                        "parameters": sum(p.numel() for p in run.model.parameters()),
                        **run.result(),
                        "settings": differences(run.c),
                    }
                    append(record)
                    print(json.dumps(record), flush=True)


# -- the images and the results ----------------------------------------------------------


def load_data(device: torch.device) -> dict:
    folder = data_folder()
    bunch = load_fer2013(folder / "fer2013.csv", ferplus=folder / "fer2013new.csv")
    names = sorted(set(bunch.target))
    target = torch.from_numpy(np.searchsorted(names, bunch.target))
    adjectives = {"anger": "angry", "happiness": "happy", "sadness": "sad"}
    columns = [adjectives.get(name, name) for name in bunch.ferplus_names]
    votes = torch.from_numpy(bunch.ferplus[:, [columns.index(name) for name in names]]).float()
    hard = F.one_hot(target, len(names)).float()
    votes = torch.where(votes.sum(1, keepdim=True) >= 3, votes, hard)
    votes = votes / votes.sum(1, keepdim=True)
    images = torch.from_numpy(bunch.data.reshape(-1, 48, 48))
    tensors = {"images": images, "target": target, "votes": votes}
    return {**{k: v.to(device) for k, v in tensors.items()}, **folds(images, target, len(names))}


def folds(images: Tensor, target: Tensor, n_classes: int) -> dict:
    """Return the training rows and the held-out rows of each fold, stratified.

    All copies of an image are in the same fold.
    """
    rows = images.reshape(len(images), -1).numpy()
    _, first, group = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    first = torch.from_numpy(first)
    place_of_group = torch.empty(len(first), dtype=torch.long)
    generator = torch.Generator().manual_seed(0)
    for code in range(n_classes):
        groups = torch.nonzero(target[first] == code).squeeze(1)
        groups = groups[torch.randperm(len(groups), generator=generator)]
        place_of_group[groups] = torch.arange(len(groups)) % N_FOLDS
    place = place_of_group[torch.from_numpy(group.reshape(-1))]
    pairs = [
        (torch.nonzero(place != k).squeeze(1), torch.nonzero(place == k).squeeze(1))
        for k in range(N_FOLDS)
    ]
    return {"folds": pairs, "n_classes": n_classes}


def drawn_data() -> dict:
    from sk_fer.datasets import make_faces

    X, y = make_faces(320, random_state=0)
    target = torch.from_numpy(np.unique(y, return_inverse=True)[1])
    images = torch.from_numpy(X.reshape(-1, 48, 48))
    return {"images": images, "target": target, **folds(images, target, int(target.max()) + 1)}


def append(record: dict) -> None:
    """Add a run to the results, with the machine and versions if those of the first run differ."""
    here = {"machine": machine(), "versions": versions()}
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {**here, "runs": []}
    if any(results[name] != value for name, value in here.items()):
        record = record | here
    head = json.dumps({k: v for k, v in results.items() if k != "runs"})
    runs = ",\n".join(json.dumps(run) for run in [*results["runs"], record])
    write_text(RESULTS, f'{head[:-1]},\n"runs": [\n{runs}\n]}}\n')


def tables() -> list[str]:
    """Return a Markdown table for each group: means over the seeds, in percent."""
    runs: dict[str, dict[str, list[dict]]] = {}
    for run in json.loads(RESULTS.read_text())["runs"]:
        runs.setdefault(run["group"], {}).setdefault(run["name"], []).append(run)
    lines = []
    for group, rows in runs.items():
        lines += ["", f"### {group}", ""]
        lines += ["| recipe | seeds | held out | against the first | one view | training images |"]
        lines += ["|---|---|---|---|---|---|"]
        order = list(GROUPS[group])
        rows = dict(sorted(rows.items(), key=lambda row, order=order: order.index(row[0])))
        first = {r["seed"]: r["valid_mirrored"] for r in next(iter(rows.values()))}
        for name, records in rows.items():
            mean = lambda key, rs=records: f"{100 * statistics.mean(r[key] for r in rs):.1f}"  # noqa: E731
            gains = [r["valid_mirrored"] - first[r["seed"]] for r in records if r["seed"] in first]
            gain = f"{100 * statistics.mean(gains):+.1f}" if gains else ""
            seeds = len({r["seed"] for r in records})
            scores = " | ".join([mean("valid_mirrored"), gain, mean("valid"), mean("train")])
            lines.append(f"| {name} | {seeds} | {scores} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one tiny run on drawn faces")
    parser.add_argument("what", nargs="?", choices=["run", "table", "list"], default="list")
    parser.add_argument("groups", nargs="*")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--minutes", type=float, default=1e6, help="start no run after these")
    arguments = parser.parse_args()
    if arguments.quick:
        tiny = Config(
            widths=(4, 8),
            depths=(1, 2),
            pools=(1, 1),
            sizes=(24, 48),
            epochs=2,
            batch_size=32,
            mixup=0.5,
            cutmix=0.5,
            lookahead=5,
            hardest=0.5,
        )
        run = Run("quick", tiny, drawn_data(), 0, torch.device("cpu"))
        while run.step():
            pass
        print(run.result())
    elif arguments.what == "table":
        print("\n".join(tables()))
    elif arguments.what == "list":
        for group, rows in GROUPS.items():
            print(f"{group}: {', '.join(rows)}")
    else:
        until = time.monotonic() + 60 * arguments.minutes
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.backends.cudnn.benchmark = True
        data = load_data(device)
        waiting = [
            (group, name, config, seed)
            for group in arguments.groups
            for seed in arguments.seeds
            for name, config in GROUPS[group].items()
        ]
        train_all(waiting, data, device, until)


if __name__ == "__main__":
    main()
