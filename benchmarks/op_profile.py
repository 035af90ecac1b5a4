"""The time of each operation in an epoch, measured with torch.profiler.

    python benchmarks/op_profile.py [--network vgg] [--precision auto] [--quick]

The script profiles one epoch of `fit` with the default augmentation, after a first epoch that is
not counted. The time of an operation excludes the operations that it calls; on a GPU, it is the
time of its kernels. Writes results/profile_<network>.json, with `_cuda` at the
end of the name on a GPU and `_bf16` on a CPU with bfloat16.

(The name profile.py would hide the module of the standard library.)
"""

from collections import Counter
from typing import Any

from _harness import command_line, suffix, write_result
from _peers import BATCH, random_faces
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from sk_fer import FERCNNClassifier
from sk_fer.training import resolve_device

IMAGES = {"cpu": {"vgg": 384, "fast": 1024}, "cuda": {"vgg": 28_672, "fast": 28_672}}

# The first whose word is in the name of an operation, or of one that it was called by.
GROUPS = (
    ("optimizer", ("Optimizer.",)),
    ("convolution, backward", ("convolution_backward", "ConvolutionBackward")),
    ("batch norm", ("batch_norm", "BatchNorm")),
    ("convolution, forward", ("aten::conv",)),
    ("max-pool", ("max_pool", "MaxPool")),
    ("ReLU", ("relu", "clamp_min", "threshold_backward", "Relu")),
    ("dropout", ("dropout", "bernoulli", "Dropout")),
    ("dense layers", ("aten::linear", "addmm", "Addmm")),
    ("augmentation", ("grid_sample", "grid_generator")),
    ("gather, cast, normalize", ("aten::index", "aten::to", "aten::mean", "aten::square")),
    ("copies and new memory", ("aten::copy_", "aten::empty", "aten::fill_", "aten::contiguous")),
)


def group(event: Any) -> str:
    """Return the group of an operation, by its own name or its nearest caller's."""
    while event is not None:
        for name, words in GROUPS:
            if any(word in event.name for word in words):
                return name
        event = event.cpu_parent
    return "other"


def main() -> None:
    parser = command_line(__doc__, repeats=None)
    parser.add_argument("--network", default="vgg", choices=("vgg", "fast"))
    parser.add_argument("--device", default="auto", help="as the estimators take it")
    parser.add_argument("--precision", default="auto", help="as the estimators take it")
    parser.add_argument("--images", type=int, help="of the epoch (default: by device)")
    args = parser.parse_args()
    device = resolve_device(args.device).type
    on_gpu = device == "cuda"
    default = BATCH // 8 if args.quick else IMAGES["cuda" if on_gpu else "cpu"][args.network]
    n = args.images or default

    X, y = random_faces(n)
    model = FERCNNClassifier(
        args.network,
        max_epochs=1,
        batch_size=BATCH,
        warm_start=True,
        device=args.device,
        precision=args.precision,
        random_state=0,
    ).fit(X, y)
    activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if on_gpu else [])
    with profile(activities=activities, acc_events=True) as profiler:
        model.fit(X, y)

    own = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    totals: Counter[str] = Counter()
    operations: Counter[str] = Counter()
    for event in profiler.events():
        # A GPU's kernels are counted with the operations that started them.
        if event.device_type == DeviceType.CPU and not event.is_user_annotation:
            totals[group(event)] += getattr(event, own)
            operations[event.name] += getattr(event, own)
    everything = sum(totals.values())
    shares = {name: round(time / everything, 4) for name, time in totals.most_common()}
    top = {name: round(time / everything, 4) for name, time in operations.most_common(15)}

    print(f"\n{args.network}, one epoch of {n} images: {everything / 1e6:.2f} s in operations")
    for name, share in shares.items():
        print(f"{name:26} {share:6.1%}")
    print("\nthe largest operations")
    for name, share in top.items():
        print(f"{name:40} {share:6.1%}")
    result = {
        "network": args.network,
        "device": device,
        "precision": str(model.net_.precision).removeprefix("torch."),
        "images": n,
        "seconds": round(everything / 1e6, 3),
        "shares": shares,
        "operations": top,
    }
    write_result(f"profile_{args.network}{suffix(device, result['precision'])}", result, args)


if __name__ == "__main__":
    main()
