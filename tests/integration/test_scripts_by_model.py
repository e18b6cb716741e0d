"""The scripts against their models: any interleaving of any owners, on a real server; and the models
against scripts with a mistake in them, each of which they must find.
"""

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from redis.exceptions import ResponseError

from tests.integration.model.machine import Scripts
from tests.integration.model.members import Members
from tests.integration.model.mutants import Mutant, in_force, mutants
from tests.integration.model.rig import Rig
from tests.integration.model.sources import Sources
from tests.integration.model.standing import check_streams

pytestmark = pytest.mark.integration
SEARCH = settings(max_examples=40, stateful_step_count=30)
HUNT = settings(
    max_examples=500,
    stateful_step_count=25,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
)
FOUND = (AssertionError, ResponseError, ValueError)


def test_the_owners_scripts_do_what_their_model_says(valkey_url: str) -> None:
    run_state_machine_as_test(lambda: Scripts(lambda: Rig(valkey_url)), settings=SEARCH)


@pytest.mark.parametrize("mutant", mutants("owners"))
def test_a_mistake_in_a_script_of_owners_is_found(valkey_url: str, mutant: Mutant) -> None:
    with in_force(mutant), pytest.raises(FOUND):
        run_state_machine_as_test(lambda: Scripts(lambda: Rig(valkey_url)), settings=HUNT)


def test_the_scripts_of_members_do_what_their_model_says(valkey_url: str) -> None:
    run_state_machine_as_test(lambda: Members(valkey_url), settings=SEARCH)


@pytest.mark.parametrize("mutant", mutants("members"))
def test_a_mistake_in_a_script_of_members_is_found(valkey_url: str, mutant: Mutant) -> None:
    with in_force(mutant), pytest.raises(FOUND):
        run_state_machine_as_test(lambda: Members(valkey_url), settings=HUNT)


def test_streams_are_seen_and_cut_as_their_model_says(valkey_url: str) -> None:
    check_streams(lambda: Rig(valkey_url), SEARCH)


@pytest.mark.parametrize("mutant", mutants("streams"))
def test_a_mistake_in_a_script_about_streams_is_found(valkey_url: str, mutant: Mutant) -> None:
    with in_force(mutant), pytest.raises(FOUND):
        check_streams(lambda: Rig(valkey_url), HUNT)


def test_the_scripts_of_ingest_do_what_their_model_says(valkey_url: str) -> None:
    run_state_machine_as_test(lambda: Sources(valkey_url), settings=SEARCH)


@pytest.mark.parametrize("mutant", mutants("sources"))
def test_a_mistake_in_a_script_of_ingest_is_found(valkey_url: str, mutant: Mutant) -> None:
    with in_force(mutant), pytest.raises(FOUND):
        run_state_machine_as_test(lambda: Sources(valkey_url), settings=HUNT)
