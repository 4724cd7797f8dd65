import statistics
from collections.abc import Callable
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.machines import KINDS, Machine, device_ids, kind_of
from devices.signals import Drift, DropOuts, Signal, Spikes, Steps, noise, sine, total, within

MAKERS: list[Callable[[], Signal]] = [
    lambda: sine(10.0, 2.0, 60.0),
    lambda: noise(1.0),
    lambda: Drift(1.0, 30.0),
    lambda: Steps([1.0, 2.0, 3.0], 5.0),
    lambda: Spikes(10.0, 20.0, 2.0),
    lambda: DropOuts(20.0, 5.0),
    lambda: within(total(sine(0.0, 5.0, 9.0), noise(3.0)), -4.0, 4.0),
]


def run(signal: Signal, seed: int, count: int = 500, step_s: float = 0.5) -> list[float]:
    rng = Random(seed)
    return [signal(number * step_s, rng) for number in range(count)]


@pytest.mark.parametrize("make", MAKERS)
@given(seed=st.integers())
def test_the_same_seed_gives_the_same_numbers(make: Callable[[], Signal], seed: int) -> None:
    assert run(make(), seed, 50) == run(make(), seed, 50)


@pytest.mark.parametrize("make", MAKERS[1:])
def test_another_seed_gives_other_numbers(make: Callable[[], Signal]) -> None:
    assert run(make(), 1) != run(make(), 2)


def test_a_sine_goes_up_and_down_around_its_mean() -> None:
    quarter_hours = [sine(20.0, 5.0, 3600.0)(time_s, Random(1)) for time_s in (0, 900, 1800, 2700)]
    assert quarter_hours == pytest.approx([20.0, 25.0, 20.0, 15.0])


def test_noise_has_its_deviation_and_no_bias() -> None:
    drawn = run(noise(2.0), 1, 20_000)
    assert statistics.fmean(drawn) == pytest.approx(0.0, abs=0.1)
    assert statistics.pstdev(drawn) == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize("step_s", [0.1, 1.0, 10.0])
def test_a_drift_spreads_the_same_however_often_it_is_read(step_s: float) -> None:
    drawn = run(Drift(3.0, 20.0), 1, int(60_000 / step_s), step_s)
    assert statistics.pstdev(drawn) == pytest.approx(3.0, rel=0.15)


def test_a_drift_moves_little_in_a_little_time() -> None:
    drawn = run(Drift(3.0, 1_000.0), 1, 1_000, 0.1)
    assert max(abs(one - before) for before, one in pairwise(drawn)) < 0.3


def test_steps_hold_a_level_and_take_no_other() -> None:
    drawn = run(Steps([1.0, 2.0, 4.0], 30.0), 3, 4_000)
    jumps = sum(one != before for before, one in pairwise(drawn))
    assert set(drawn) == {1.0, 2.0, 4.0}
    assert 30 < jumps < 130  # 2,000 s in holds of 30 s


def test_spikes_are_rare_and_fade() -> None:
    drawn = run(Spikes(10.0, 100.0, 2.0), 5, 8_000)
    assert statistics.median(drawn) < 0.1
    assert max(drawn) > 5.0
    after = drawn[drawn.index(max(drawn)) :][:5]
    assert after == sorted(after, reverse=True)


def test_drop_outs_last_as_long_as_they_should_on_average() -> None:
    silent = run(DropOuts(every_s=90.0, lasts_s=10.0), 7, 200_000, 1.0)
    assert set(silent) == {0.0, 1.0}
    assert statistics.fmean(silent) == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_machine_is_the_same_for_the_same_seed_and_another_for_another(kind: str) -> None:
    def readings(seed: str) -> list[dict[str, object] | None]:
        machine = Machine(kind, Random(seed))
        return [dict(read) if (read := machine.read(float(second))) else None for second in range(200)]

    assert readings("1/a") == readings("1/a")
    assert readings("1/a") != readings("2/a")


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_machine_keeps_its_metrics_and_their_types(kind: str) -> None:
    machine = Machine(kind, Random(kind))
    read = [values for second in range(20_000) if (values := machine.read(float(second))) is not None]
    assert len({tuple(values) for values in read}) == 1
    for name in read[0]:
        assert len({type(values[name]) for values in read}) == 1
        assert name in machine.units or name in {"state", "door_open"}
    assert 15_000 < len(read) < 20_000  # it is silent now and then


def test_states_and_doors_change() -> None:
    pump, store = Machine("pump", Random(1)), Machine("cold-store", Random(1))
    pumped = [values for second in range(5_000) if (values := pump.read(float(second)))]
    stored = [values for second in range(5_000) if (values := store.read(float(second)))]
    assert {values["state"] for values in pumped} == {"running", "idle", "fault"}
    assert {values["door_open"] for values in stored} == {True, False}


def test_humidity_stays_a_percentage_and_a_cold_store_cold() -> None:
    store = Machine("cold-store", Random(4))
    read = [values for second in range(5_000) if (values := store.read(float(second)))]
    assert all(0.0 <= float(values["humidity"]) <= 100.0 for values in read)
    assert all(-30.0 < float(values["temperature"]) < -10.0 for values in read)


def test_ids_name_the_kinds_in_turn_and_the_kinds_are_read_back() -> None:
    ids = device_ids(8)
    assert ids == [
        "pump-01", "chiller-01", "fan-01", "greenhouse-01", "cold-store-01", "compressor-01",
        "pump-02", "chiller-02",
    ]  # fmt: skip
    assert [kind_of(device_id, 0) for device_id in ids[:6]] == list(KINDS)
    assert [kind_of("boiler", position) for position in (0, 1, 6)] == ["pump", "chiller", "pump"]
