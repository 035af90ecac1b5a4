import threading

import pytest
import torch

from sk_fer.modules import seeded_init


def test_the_weights_follow_from_the_seed_alone():
    def weights(seed):
        with seeded_init(seed):
            return torch.nn.Linear(3, 2).weight

    first = weights(1)
    torch.rand(5)
    assert torch.equal(weights(1), first)
    assert not torch.equal(weights(2), first)
    torch.manual_seed(1)
    assert torch.equal(torch.nn.Linear(3, 2).weight, first)


@pytest.mark.parametrize("fails", [False, True])
def test_the_global_state_is_restored(fails):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    try:
        with seeded_init(1):
            torch.rand(10)
            if fails:
                raise KeyError
    except KeyError:
        assert fails
    assert torch.equal(torch.rand(3), expected)


def test_threads_enter_one_after_the_other():
    both = threading.Barrier(2)
    inside = []

    def initialize(seed):
        both.wait()
        with seeded_init(seed):
            inside.append(seed)
            torch.nn.Linear(300, 300)
            assert inside == [seed]
            inside.remove(seed)
            found[seed] = torch.rand(1).item()

    found = {}
    threads = [threading.Thread(target=initialize, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in (1, 2):
        with seeded_init(seed):
            torch.nn.Linear(300, 300)
            assert found[seed] == torch.rand(1).item()
