import math

import numpy as np
import pytest
import torch

from sk_fer.training import CheckpointFolder
from sk_fer.training._checkpoint_folder import pack_state
from sk_fer.training._plain_state import plain_state


def written_and_read(tree, folder):
    checkpoints = CheckpointFolder(folder, n_checkpoints=1)
    checkpoints.write(1, pack_state({"tree": tree}))
    return checkpoints.newest()["tree"]


def test_trees_are_read_as_they_were_written(tmp_path):
    tree = {
        "rates": [0.1 + 0.2, math.inf, -0.0],
        1: (True, None, 2**60),
        "layers": {
            "weight": torch.randn(2, 3),
            "count": torch.tensor(7),
            "x": torch.ones(3).half(),
        },
        "empty": [{}, (), []],
    }
    back = written_and_read(tree, tmp_path)
    assert repr(back) == repr(tree)
    assert torch.equal(back["layers"]["weight"], tree["layers"]["weight"])
    assert back["layers"]["x"].dtype == torch.float16


def test_numbers_of_numpy_become_those_of_python(tmp_path):
    tree = [np.float64(0.1), np.float32(0.5), np.int64(3), np.bool_(True), np.str_("a")]
    back = written_and_read(tree, tmp_path)
    assert back == [0.1, 0.5, 3, True, "a"]
    assert [type(value) for value in back] == [float, float, int, bool, str]


@pytest.mark.parametrize(
    "change",
    [
        torch.Tensor.contiguous,
        lambda filters: filters.to(memory_format=torch.channels_last),
        lambda filters: filters.permute(3, 1, 0, 2),
    ],
    ids=["rows", "channels last", "permuted"],
)
def test_the_memory_layout_is_kept(change, tmp_path):
    filters = change(torch.randn(4, 3, 2, 2))
    back = written_and_read(filters, tmp_path)
    assert back.stride() == filters.stride()
    assert torch.equal(back, filters)


def test_parts_of_a_tensor_share_no_memory_afterwards(tmp_path):
    tensor = torch.ones(2)
    whole, part = written_and_read([tensor, tensor[:1]], tmp_path)
    part += 1
    assert whole.tolist() == [1, 1]
    large = torch.zeros(10**6)
    assert len(pack_state({"part": large[:10]})) < 10_000


def test_a_state_does_not_change_with_the_tensors():
    tensor = torch.zeros(2, requires_grad=True)
    state = plain_state([tensor])
    with torch.no_grad():
        tensor += 1
    assert state[0].tolist() == [0, 0]
    assert not state[0].requires_grad


@pytest.mark.parametrize(
    "value",
    [object(), {"a": {1, 2}}, [print], ("x", b"y"), np.zeros(2)],
    ids=["object", "set", "function", "bytes", "array"],
)
def test_other_objects_are_refused(value):
    with pytest.raises(TypeError, match="a checkpoint cannot contain a "):
        plain_state(value)
