"""Frozen towers run once a batch for all models that share them; any other runs each time."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

pytestmark = pytest.mark.usefixtures("plugin")


class Tower(torch.nn.Linear):
    def __init__(self, seed: int = 0, dropout: float = 0.0) -> None:
        torch.manual_seed(seed)
        super().__init__(2, 2)
        self.config = SimpleNamespace(attention_dropout=dropout, hidden_size=2)
        self.requires_grad_(False)
        self.runs = 0

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        self.runs += 1
        return super().forward(given)


def model(**options: Any) -> Any:
    return SimpleNamespace(thinker=SimpleNamespace(visual=Tower(**options), audio_tower=Tower(**options)))


def runs(policy: Any, *others: Any, train: bool = True) -> list[int]:
    """How often each model's tower ran in two batches of two passes each, policy and reference."""
    from swift_saber.plugin.saber_towers import Towers

    towers = Towers(policy, *others)
    models = [policy, *(others or [policy])]
    for one in models:
        one.thinker.visual.train(train)
    for number in range(2):
        given = torch.full((1, 2), float(number))
        with towers.once():
            made = [one.thinker.visual(given) for one in models]
        expected = torch.nn.functional.linear(given, models[-1].thinker.visual.weight, models[-1].thinker.visual.bias)
        assert torch.equal(made[-1], expected)  # of this batch, and of this model's weights
    return [one.thinker.visual.runs for one in models]


def test_a_frozen_tower_runs_once_a_batch_for_policy_and_reference() -> None:
    assert runs(model()) == [2, 2]  # one and the same model, asked four times
    assert runs(model(), model()) == [2, 0]


def test_a_reference_with_other_weights_runs_its_own() -> None:
    assert runs(model(), model(seed=1)) == [2, 2]


def test_weights_count_as_they_are_in_the_first_batch() -> None:
    """A run that goes on loads its weights after the trainer is made."""
    from swift_saber.plugin.saber_towers import Towers

    policy, reference = model(), model()
    towers = Towers(policy, reference)
    with torch.no_grad():
        policy.thinker.visual.weight += 1
    given = torch.ones(1, 2)
    with towers.once():
        first, second = (one.thinker.visual(given) for one in (policy, reference))
    assert not torch.equal(first, second)


def test_weights_that_are_elsewhere_are_not_taken_for_the_same() -> None:
    """With ZeRO-3 they are shared out over the GPUs, and each module's own are empty until it runs."""
    from swift_saber.plugin.saber_towers import _alike

    first, second = Tower(), Tower()
    assert _alike(first, second)
    for tower in (first, second):
        for weight in tower.parameters():
            weight.data = torch.empty(0)
    assert not _alike(first, second)


def test_a_tower_that_is_trained_runs_each_time() -> None:
    policy = model()
    policy.thinker.visual.weight.requires_grad_(True)
    assert runs(policy) == [4, 4]


def test_a_tower_that_drops_at_random_runs_each_time_it_does() -> None:
    assert runs(model(dropout=0.1)) == [4, 4]
    assert runs(model(dropout=0.1), train=False) == [2, 2]


def test_nothing_is_kept_between_batches() -> None:
    from swift_saber.plugin.saber_towers import Towers

    policy = model()
    towers = Towers(policy)
    with towers.once():
        policy.thinker.visual(torch.ones(1, 2))
    policy.thinker.visual(torch.ones(1, 2))
    assert policy.thinker.visual.runs == 2
