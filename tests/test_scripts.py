"""The examples and the benchmarks run on little data."""

import importlib.util
import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sk_fer.training import resolve_precision

ROOT = Path(__file__).parents[1]
BENCHMARKS = ROOT / "benchmarks"
# What the names of results on this kind of processor end with.
BFLOAT16 = resolve_precision("auto", torch.device("cpu")) == torch.bfloat16
ENDING = "_bf16" if BFLOAT16 else ""

# What each benchmark prints, and the keys of each file that it writes.
SCRIPTS = {
    "accuracy": (
        ["device=cpu", "--preset", "dense", "--seeds", "0", "1", "--budget", "0.2"],
        [
            "images/s in a small fit of 8 epochs: ",
            "dense(device='cpu'), 0.2 s, cpu",
            "seed 1: ",
            "accuracy_tta: ",
        ],
        {"accuracy": ["rows"]},
    ),
    "halving": (
        [],
        ["GridSearchCV", "HalvingGridSearchCV", "FERHalvingSearchCV, factor=4", "cool-down"],
        {"halving": ["machine", "versions", "searches", "schedule"]},
    ),
    "image_cache": (
        [],
        ["from the files ", "from the memory map "],
        {"image_cache": ["machine", "versions", "images", "reads"]},
    ),
    "batched": (
        ["--threads", "1"],
        ["features (), 1 threads, lr: ", "images (), 1 threads, lr: ", "'difference': 0.0"],
        {"batched": ["machine", "versions", "candidates", "images", "threads"]},
    ),
    "faces": (
        ["--only", "recrop", "--detectors", "lbp", "--images", "8"],
        ["PublicTest lbp {'pixels': 128, 'n_images': 8, 'found': ", "CK+48 lbp"],
        {"faces": ["recrop"]},
    ),
    "loading": (
        [],
        ["load_fer2013, first time", "from the cache against numpy.loadtxt: "],
        {"loading": ["machine", "versions", "contestants", "ratios", "ratios_cached", "rows"]},
    ),
    "op_profile": (
        ["--device", "cpu", "--network", "fast"],
        ["convolution, backward", "the largest operations"],
        {f"profile_fast{ENDING}": ["machine", "versions", "shares", "operations", "seconds"]},
    ),
    "predict": (
        ["--device", "cpu", "--only", "fast"],
        ["matrix product, float32", "sk_fer, tta", "torch by hand", "ours is faster by"],
        {
            f"predict_fast{ENDING}": [
                "machine",
                "versions",
                "contestants",
                "ratios",
                "skipped",
                "images",
            ]
        },
    ),
    "report": (
        [],
        ["70 images: ", "Balanced accuracy", "of 70 test images"],
        {"report": ["machine", "versions", "seconds", "scores", "notes", "failed"]},
    ),
    "search": (
        ["--only", "dense"],
        ["GridSearchCV, n_jobs=1 ", "times the arithmetic", "'preprocessing': "],
        {"search": ["machine", "versions", "sections"]},
    ),
    "throughput": (
        ["--device", "cpu", "--only", "fast", "dense", "scaling"],
        ["skorch, float32", "MLPClassifier, float64", "us an image; off that line by"],
        {
            f"throughput_fast{ENDING}": ["machine", "versions", "contestants", "ratios", "skipped"],
            f"throughput_dense{ENDING}": [
                "machine",
                "versions",
                "contestants",
                "ratios",
                "skipped",
            ],
            f"throughput_scaling{ENDING}": [
                "machine",
                "sizes",
                "largest_deviation",
                "start_seconds",
            ],
        },
    ),
    "time_to_accuracy": (
        ["--only", "skorch"],
        ["sk_fer, 1 epochs: ", "skorch: at best "],
        {"time_to_accuracy": ["machine", "fits", "rows", "targets", "seeds"]},
    ),
    "transfer": (
        ["--sizes", "48", "48-no_pool", "--rows", "scratch, sequential", "FER2013, all"],
        [
            "scratch, sequential",
            "% within 300 s: ",
            "search over stored features: 63 of 63 images through the backbone",
            "search with the memory of a Pipeline: 126 of 63 images through the backbone",
            "search over a Pipeline: 126 of 63 images through the backbone",
            "test_resnet, 48-no_pool",
            "2 folds by subject",
        ],
        {"transfer": ["folds", "stored", "search", "sizes", "few"]},
    ),
}


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a script of benchmarks/ in this process, and return what it prints."""

    def run(script, *arguments):
        monkeypatch.syspath_prepend(BENCHMARKS)
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        runpy.run_path(str(BENCHMARKS / f"{script}.py"), run_name="__main__")
        return capsys.readouterr().out

    return run


def results(*names):
    """Return the contents of the files of results, or None for missing files."""
    paths = [BENCHMARKS / "results" / f"{name}.json" for name in names]
    return [path.read_bytes() if path.exists() else None for path in paths]


def load_example(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    return example


@pytest.mark.slow
def test_transfer_example(monkeypatch, capsys):
    example = load_example("transfer")
    monkeypatch.delenv("SK_FER_DATA", raising=False)
    for name, value in (("N_BEFORE", 35), ("N_AFTER", 42), ("EPOCHS_AFTER", 1)):
        monkeypatch.setattr(example, name, value)
    example.main()
    printed = capsys.readouterr().out
    assert re.search(r"^from scratch: [0-9.]+%, from [0-9.]+% to [0-9.]+%$", printed, re.M)
    assert re.search(r"^fine-tuned: [0-9.]+%, from [0-9.]+% to [0-9.]+%$", printed, re.M)


@pytest.mark.slow
def test_cross_dataset_example(monkeypatch, capsys):
    example = load_example("cross_dataset")
    monkeypatch.delenv("SK_FER_DATA", raising=False)
    monkeypatch.setattr(example, "EPOCHS", 1)
    monkeypatch.setattr(example, "N_FACES", 140)
    example.main()
    printed = capsys.readouterr().out
    assert "the other one: accuracy " in printed
    assert (
        "on 60 images\n  classes left out: contempt\n  classes without images: neutral" in printed
    )


def test_grid_search_example(monkeypatch, capsys):
    example = load_example("grid_search")
    monkeypatch.setattr(example, "N_DRAWN", (84, 42))
    example.main()
    printed = capsys.readouterr().out
    assert "84 images to search on, 42 to report on" in printed
    assert "best: {'cnn__architecture':" in printed
    assert "accuracy of the reloaded model: 0." in printed


def test_nested_cv_example_goes_on_after_it_was_stopped(monkeypatch, capsys, tmp_path):
    example = load_example("nested_cv")
    for name, value in {"N_OUTER": 2, "N_INNER": 2, "N_EPOCHS": 1, "N_FACES": 84}.items():
        monkeypatch.setattr(example, name, value)
    search, trained_on = example.grid_search, []

    def stop_in_the_second_fold(pipeline, grid, X, y, **settings):
        trained_on.append((X, settings["groups"]))
        if len(trained_on) == 2:
            raise KeyboardInterrupt
        return search(pipeline, {"cnn__lr": [0.02]}, X, y, **settings)

    monkeypatch.setattr(example, "grid_search", stop_in_the_second_fold)
    with pytest.raises(KeyboardInterrupt):
        example.main(tmp_path / "results.json")
    first = json.loads((tmp_path / "results.json").read_text())["folds"]
    assert len(first) == 1
    capsys.readouterr()
    example.main(tmp_path / "results.json")
    printed = capsys.readouterr().out
    assert "1 of 2 outer folds are in" in printed
    assert re.search(r"^accuracy 0\.\d+, 95% interval 0\.\d+ to 0\.\d+$", printed, re.M)
    folds = json.loads((tmp_path / "results.json").read_text())["folds"]
    assert folds[0] == first[0]
    people = [set(groups) for _, groups in trained_on]
    assert len(trained_on) == 3
    assert people[1] == people[2]  # the fold that was stopped is repeated
    assert people[0] | people[1] == {0, 1, 2, 3}
    assert people[0].isdisjoint(people[1])
    monkeypatch.setattr(example, "N_EPOCHS", 2)
    with pytest.raises(SystemExit, match="has other settings"):
        example.main(tmp_path / "results.json")


@pytest.mark.slow
def test_drawn_faces_benchmark(run):
    before = results("drawn_faces")
    printed = run("drawn_faces", "--quick")
    assert all(name in printed for name in ("linear", "dense", "fast"))
    assert results("drawn_faces") == before


@pytest.mark.slow
def test_recipe_benchmark(run):
    before = results("recipe")
    printed = run("recipe", "--quick")
    assert "valid_mirrored" in printed
    assert results("recipe") == before


@pytest.mark.slow
def test_label_noise_benchmark(run, tmp_path):
    pytest.importorskip("cleanlab", reason="needs sk_fer[cleanlab]")
    before = results("label_noise")
    printed = run("label_noise", "--quick", "--out", tmp_path)
    assert "16.4% of 140 labels differ from the majority" in printed
    check_files(tmp_path, {"label_noise": ["precision_at", "base_rate", "issues"]})
    assert results("label_noise") == before


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_benchmark(run, script, tmp_path):
    arguments, expected, files = SCRIPTS[script]
    before = results(*files)
    printed = run(script, "--quick", "--out", tmp_path, *arguments)
    for words in expected:
        assert words in printed
    check_files(tmp_path, files)
    assert results(*files) == before


def test_the_trial_of_a_budget_has_the_batches_of_the_whole_fit(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    trial = runpy.run_path(str(BENCHMARKS / "_trial.py"))
    X, y = np.zeros((5000, 8, 8), np.uint8), np.arange(5000) % 2
    fits = []

    def fit_seconds(preset, parameters, train):
        fits.append((parameters["max_epochs"], parameters["batch_size"], len(train[0])))
        # 1,000 images a second, and 500 where no epoch has small images.
        speed = 500 if parameters["max_epochs"] == 1 else 1000
        return parameters["max_epochs"] * len(train[0]) / speed

    for function in ("speed", "epochs_in"):
        monkeypatch.setitem(trial[function].__globals__, "fit_seconds", fit_seconds)
    whole = trial["batch_size"]("dense", {}, (X, y))
    assert whole > trial["batch_size"]("dense", {}, (X[:1024], y[:1024]))
    # 20 epochs: the trial of 8 is repeated with 20.
    assert trial["epochs_in"](100, "dense", {}, (X, y)) == 20
    assert {batch for _, batch, _ in fits} == {whole}
    assert [epochs for epochs, _, _ in fits] == [8, 8, 20, 20]
    assert fits[-1][2] == 1024
    # One epoch is slower than the trial of 8, so that no more than one has room.
    assert trial["epochs_in"](5, "dense", {}, (X, y)) == 1


@pytest.mark.slow
def test_few_images_benchmark(run, shipped, tmp_path):
    before = results("transfer")
    printed = run("few_images", "--quick", "--out", tmp_path, "--only", "shipped", "curve")
    for words in ("features, LogisticRegression", "5 images a class, from scratch"):
        assert words in printed
    check_files(tmp_path, {"transfer": ["shipped", "curve"]})
    content = json.loads((tmp_path / "transfer.json").read_text())
    assert content["shipped"]["weights"] == 'weights="fer2013"'
    assert len(content["curve"]["rows"]) == 3
    assert results("transfer") == before


@pytest.fixture
def few_images(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return runpy.run_path(str(BENCHMARKS / "few_images.py"))


def test_the_layers_of_lite0_have_names_of_timm(few_images):
    timm = pytest.importorskip("timm", reason="needs sk_fer[pretrained]")
    there = {"conv_pw": "_expand_conv", "conv_dw": "_depthwise_conv", "conv_pwl": "_project_conv"}
    there |= {"bn1": "_bn0", "bn2": "_bn1", "bn3": "_bn2"}
    first = {"conv_dw": "_depthwise_conv", "conv_pw": "_project_conv", "bn1": "_bn1", "bn2": "_bn2"}
    outer = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1"}
    outer["classifier"] = "_fc"
    state, wanted, blocks = {}, {}, []
    for key, tensor in timm.create_model("tf_efficientnet_lite0").state_dict().items():
        *place, layer, leaf = key.split(".")
        if place and place not in blocks:
            blocks.append(place)
        names = outer if not place else there if len(blocks) > 1 else first
        block = f"_blocks.{blocks.index(place)}." if place else ""
        state[f"{block}{names[layer]}.{leaf}"] = wanted[key] = tensor
    assert len(blocks) == 16
    renamed = few_images["timm_names"](state)
    assert renamed.keys() == wanted.keys()
    assert all(renamed[key] is wanted[key] for key in wanted)


def test_images_of_the_curve_are_of_each_class(few_images):
    y = np.array(["a", "b", "b", "b", "a", "c"] * 4)
    faces = few_images["Faces"](np.zeros((24, 4)), y, np.arange(24))
    rows = few_images["of_each_class"](faces, np.arange(12), 3, 0)
    assert sorted(y[rows]) == ["a"] * 3 + ["b"] * 3 + ["c"] * 2
    assert rows.max() < 12
    assert not np.array_equal(rows, few_images["of_each_class"](faces, np.arange(12), 3, 1))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured on Linux")
def test_memory_benchmark(tmp_path):
    # Its fits run in separate processes, which find their functions in the main module.
    files = {
        "memory_fer2013": ["machine", "versions", "fits"],
        "memory_mapped": ["machine", "versions", "peak_mb", "sampled_peak_mb", "seconds"],
    }
    before = results(*files)
    printed = run_alone("memory", tmp_path)
    assert "skorch through float64, fast" in printed
    assert "on a memory map of 0.02 GB" in printed
    check_files(tmp_path, files)
    assert results(*files) == before


@pytest.mark.slow
def test_serve_benchmark(tmp_path):
    pytest.importorskip("gradio", reason="needs sk_fer[app]")
    before = results("serve")
    printed = run_alone("serve", tmp_path, "--users", "2")
    assert "2 users, 2 photographs: p50 " in printed
    check_files(tmp_path, {"serve": ["machine", "versions", "photograph", "loads"]})
    assert results("serve") == before


def run_alone(script, folder, *arguments):
    """Run a benchmark in a process of its own, and return what it prints."""
    done = subprocess.run(
        [sys.executable, BENCHMARKS / f"{script}.py", "--quick", "--out", folder, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_gpu_benchmark(run, tmp_path):
    before = results("gpu")
    printed = run("gpu", "--quick", "--out", tmp_path, "--seeds", "0", "1")
    assert results("gpu") == before
    assert "failed" not in printed
    check_files(tmp_path, {"gpu": ["machine", "versions", "gpu", "driver", "parts"]})
    parts = json.loads((tmp_path / "gpu.json").read_text())["parts"]
    assert parts["tests"]["rows"]["gpu"]["last_line"] in printed
    assert parts["throughput"]["rows"]["throughput, fast"]["by hand, compiled, prediction"] > 0
    assert parts["throughput"]["rows"]["throughput, accurate"]["ratios"][
        "training, against by hand"
    ]
    assert parts["pretrained"]["rows"]["pretrained, resnet50"]["prediction"] > 0
    assert parts["fast"]["summary"]["fast, 10 epochs"]["seeds"] == [0, 1]
    assert parts["accurate"]["rows"]["accurate, seed 1"]["epochs"] == 1
    tables = runpy.run_path(str(BENCHMARKS / "tables.py"))
    content = json.loads((tmp_path / "gpu.json").read_text())
    assert ", 2 seeds), " in tables["gpu_accuracy"](content)[0]
    assert tables["gpu_throughput"](content)[0].endswith(" images/s")
    run("gpu", "--quick", "--out", tmp_path, "--parts", "fast", "--seeds", "2")
    merged = json.loads((tmp_path / "gpu.json").read_text())["parts"]
    assert merged["accurate"] == parts["accurate"]
    assert merged["fast"]["summary"]["fast, 10 epochs"]["seeds"] == [2]


@pytest.mark.skipif(torch.cuda.is_available(), reason="here is a CUDA device")
def test_gpu_benchmark_ends_at_once_without_a_gpu(run, capsys):
    with pytest.raises(SystemExit) as end:
        run("gpu")
    assert end.value.code == 2
    assert capsys.readouterr().err == ("torch sees no CUDA device here; --quick runs on the CPU\n")


JOBS = """
import os, time

def fails(report):
    report(done=1)
    raise ValueError("no such thing")

def dies(report):
    report(done=2)
    os._exit(3)

def ends(report, times):
    for k in range(times):
        report(done=k + 1)

def waits(report):
    time.sleep(600)
"""


def test_jobs_that_fail_die_or_take_too_long_are_noted_and_others_end(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "jobs_of_a_test.py").write_text(JOBS)
    from _jobs import Job, run_jobs

    jobs = {n: Job(n, f"jobs_of_a_test.{n}") for n in ("fails", "dies", "unknown")}
    jobs["ends"] = Job("ends", "jobs_of_a_test.ends", (5,))
    kept = []
    run_jobs(list(jobs.values()), 200, lambda: kept.append(dict(jobs["ends"].row)))
    assert jobs["fails"].row["done"] == 1
    assert jobs["fails"].row["failed"] == "ValueError: no such thing"
    assert jobs["dies"].row == {"done": 2, "failed": "the process ended with exit code 3"}
    assert "has no attribute 'unknown'" in jobs["unknown"].row["failed"]
    assert jobs["ends"].row == {"done": 5}
    assert {"done": 3} in kept
    waits = Job("waits", "jobs_of_a_test.waits")
    run_jobs([waits], 0.2, lambda: None)
    assert waits.row == {"failed": "stopped after 0 s"}


def check_files(folder, files):
    assert {path.stem for path in folder.iterdir()} == set(files)
    for name, keys in files.items():
        content = json.loads((folder / f"{name}.json").read_text())
        assert set(keys) <= set(content)
        for row in content.get("contestants", {}).values():
            assert min(row["seconds"]) > 0


def test_the_tables_of_the_documentation_are_those_of_the_results(run):
    run("tables", "--check")


def test_several_networks_count_within_the_budget_and_on_public_test_alone(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    together = runpy.run_path(str(BENCHMARKS / "tables.py"))["together"]
    row = {
        "preset": "accurate",
        "device": "cpu",
        "precision": "bfloat16",
        "held_out": None,
        "seeds": {str(seed): {"fit_seconds": 800.0} for seed in range(3)},
        "together": {"1": 0.68, "2": 0.7, "3": 0.71},
    }
    content = {"rows": {"": row}}
    assert together(1800, "accurate")(content) == ("70.0%, 2 networks, 1,600 s, bfloat16", row)
    assert together(7200, "accurate")(content)[0].startswith("71.0%, 3 networks, 2,400 s")
    assert together(900, "accurate")(content) is None
    assert together(7200, "fast")(content) is None
    assert together(7200, "accurate")({"rows": {"": row | {"held_out": 0}}}) is None


@pytest.mark.slow
def test_predicted_faces_example(monkeypatch, capsys, tmp_path):
    example = load_example("predicted_faces")
    monkeypatch.setattr(example, "N_TRAIN", 28)
    monkeypatch.setattr(example, "N_EPOCHS", 1)
    example.main(tmp_path / "faces.png")
    assert re.search(r"^[0-9]+ of 14 correct, wrote .*faces.png$", capsys.readouterr().out)
    with Image.open(tmp_path / "faces.png") as picture:
        assert picture.size == (900, 310)


def test_the_picture_of_the_readme_is_small():
    assert (ROOT / "docs/predicted_faces.png").stat().st_size < 120_000


@pytest.mark.parametrize("folder", ["benchmarks", "examples"])
def test_scripts_use_the_public_interface_alone(folder):
    files = sorted((ROOT / folder).glob("*.py"))
    assert files
    private = re.compile(r"(from|import) +sk_fer[\w.]*(\._| import _)")
    found = [file.name for file in files if private.search(file.read_text())]
    assert found == []
