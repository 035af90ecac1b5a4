import math

import pytest
import torch

from sk_fer.training._state_file import is_storable, pack_state, unpack_state


def test_trees_come_back_as_they_were():
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
    back = unpack_state(pack_state(tree))
    assert repr(back) == repr(tree)
    assert torch.equal(back["layers"]["weight"], tree["layers"]["weight"])
    assert back["layers"]["x"].dtype == torch.float16


def test_layout_in_memory_comes_back():
    filters = torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last)
    back = unpack_state(pack_state([filters, filters.contiguous()]))
    assert [tensor.stride() for tensor in back] == [filters.stride(), filters.contiguous().stride()]
    assert torch.equal(back[0], filters)


def test_a_tensor_may_stand_in_two_places():
    tensor = torch.ones(2)
    first, second = unpack_state(pack_state([tensor, tensor[:1]]))
    assert first.tolist() == [1, 1]
    assert second.tolist() == [1]


def test_what_is_packed_no_longer_changes():
    tensor = torch.zeros(2)
    packed = pack_state(tensor)
    tensor += 1
    assert unpack_state(packed).tolist() == [0, 0]


@pytest.mark.parametrize(
    "value",
    [object(), {"a": {1, 2}}, [print], ("x", b"y")],
    ids=["object", "set", "function", "bytes"],
)
def test_no_other_objects(value):
    assert not is_storable(value)
    with pytest.raises(TypeError, match="a state file holds no"):
        pack_state(value)
