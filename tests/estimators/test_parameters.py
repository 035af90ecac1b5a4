"""Parameters are documented and constrained, once, for every classifier."""

import inspect
import re

import pytest

import sk_fer
from sk_fer import FERCNNClassifier, FERDenseClassifier
from sk_fer.estimators._parameters import SHARED_CONSTRAINTS, SHARED_PARAMETERS

CLASSIFIERS = [FERCNNClassifier, FERDenseClassifier]


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_every_parameter_is_documented_and_constrained(kind):
    names = set(inspect.signature(kind).parameters)
    documented = set(re.findall(r"^    (\w+) : ", kind.__doc__.split("Attributes\n")[0], re.M))
    assert documented == names
    assert set(kind._parameter_constraints) == names


def test_shared_parameters_are_those_that_all_share():
    shared = set.intersection(*(set(inspect.signature(k).parameters) for k in CLASSIFIERS))
    assert set(SHARED_CONSTRAINTS) == shared - {"dropout"}
    assert set(re.findall(r"^(\w+) : ", SHARED_PARAMETERS, re.M)) == set(SHARED_CONSTRAINTS)


def test_exports_exist():
    assert all(hasattr(sk_fer, name) for name in sk_fer.__all__)
