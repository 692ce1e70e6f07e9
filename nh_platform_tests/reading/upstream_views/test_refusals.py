"""What a view cannot give is refused by name, and what was not made is named with its command."""

from __future__ import annotations

import importlib.util
import inspect
import pydoc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import nh_platform
from nh_platform.reading import OpenedStore
from nh_platform.reading.upstream_views import (
    BehaviorEcephysSession,
    EcephysSession,
    EphysSessionLoader,
    SessionLoader,
    SpikeSortingLoader,
)
from nh_platform.reading.upstream_views.bunch import Bunch
from nh_platform.reading.upstream_views.not_given import Refused
from nh_platform.reading.upstream_views.sorting_bunches import spikes_bunch
from nh_platform.reading.upstream_views.trials_tables import trials_as_one, trials_tidied
from nh_platform.session import BadUpstreamData, ConfigError, SchemaError, StoreError, UnknownSession
from nh_platform_tests.reading.conftest import GATED, LISTED, WHOLE

VIEWS = (BehaviorEcephysSession, EcephysSession, EphysSessionLoader, SessionLoader, SpikeSortingLoader)


@pytest.fixture
def store(home: Path) -> OpenedStore:
    return nh_platform.open_store(home)


def test_a_connection_of_one_or_a_missing_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"one=: it is of class dict, and the view reads a store"):
        SessionLoader(one={}, eid=WHOLE)
    with pytest.raises(StoreError, match="there is no such folder"):
        EcephysSession(tmp_path / "nowhere", 1)


def test_an_unknown_session_or_probe_is_named_with_those_there_are(store: OpenedStore) -> None:
    with pytest.raises(ConfigError, match="none is named"):
        SessionLoader(one=store)
    with pytest.raises(UnknownSession, match="not among the 3 sessions"):
        SessionLoader(one=store, eid="99990000-zzzz")
    with pytest.raises(UnknownSession, match=r"probe 'probe07' .*: it has probe00, probe01"):
        SpikeSortingLoader(one=store, eid=WHOLE, pname="probe07")
    with pytest.raises(ConfigError, match=r"SpikeSortingLoader\(session_path\)"):
        SpikeSortingLoader(one=store, session_path="lab/Subjects/m1")
    with pytest.raises(ConfigError, match=r"SessionLoader\(session_path\)"):
        SessionLoader(one=store, session_path="lab/Subjects/m1")


def test_what_was_not_made_is_named_with_its_command(store: OpenedStore) -> None:
    with pytest.raises(UnknownSession, match=rf"nh materialize ibl {LISTED}"):
        SpikeSortingLoader(one=store, eid=LISTED, pname="probe00")
    with pytest.raises(StoreError, match="spike times are not sorted"):
        spikes_bunch(store.session("ibl", GATED), "probe00")
    with pytest.raises(UnknownSession, match=rf"nh materialize ibl {LISTED}"):
        SessionLoader(one=store, eid=LISTED).load_trials()
    with pytest.raises(UnknownSession, match=r"also_assets: \[pose\]"):
        SessionLoader(one=store, eid=WHOLE).load_pose()
    with pytest.raises(UnknownSession, match="signal 'pupil_diameter'"):
        SessionLoader(one=store, eid=WHOLE).load_pupil()
    with pytest.raises(UnknownSession, match="licks of ibl session"):
        SessionLoader(one=store, eid=WHOLE).load_licks()


def test_loading_everything_warns_of_what_lacks_and_loads_the_rest(store: OpenedStore) -> None:
    loader = SessionLoader(one=store, eid=WHOLE)
    with pytest.warns(UserWarning, match="Could not load") as said:
        loader.load_session_data()
    texts = [str(one.message) for one in said]
    assert [text.split()[3] for text in texts] == ["pose", "motion_energy", "pupil", "licks", "pawstates"]
    assert "also_assets: [pose]" in texts[0]
    assert loader.data_info["is_loaded"].tolist() == [True, True, False, False, False, False, False]
    assert len(loader.trials) == 5
    loader.trials = pd.DataFrame()
    with pytest.warns(UserWarning, match="Could not load"):
        loader.load_session_data()
    assert loader.trials.empty, "what was loaded is not loaded again"


def test_other_sorters_revisions_and_datasets_are_refused(store: OpenedStore) -> None:
    loader = SpikeSortingLoader(one=store, eid=WHOLE, pname="probe00")
    with pytest.raises(ConfigError, match="sorter iblsorter of"):
        loader.load_spike_sorting(enforce_version=True)
    with pytest.raises(ConfigError, match=r"load_spike_sorting\(namespace\)"):
        loader.load_spike_sorting(namespace="av")
    with pytest.raises(ConfigError, match=r"dataset_types spikes\.samples: they are not stored"):
        loader.load_spike_sorting(dataset_types=["spikes.samples", "spikes.times"])
    with pytest.raises(ConfigError, match=r"load_spike_sorting\(query_type\)"):
        loader.load_spike_sorting(query_type="remote")
    with pytest.raises(ConfigError, match="ALF object 'drift'"):
        loader.load_spike_sorting_object("drift")
    with pytest.raises(ConfigError, match=r"merge_clusters\(compute_metrics\)"):
        loader.merge_clusters({}, Bunch(), {}, compute_metrics=True)
    with pytest.raises(ConfigError, match="were merged already"):
        loader.merge_clusters({}, Bunch(channels=np.zeros(1, np.int64)), {})
    with pytest.raises(ConfigError, match=r"load_trials\(collection\)"):
        SessionLoader(one=store, eid=WHOLE).load_trials(collection="alf/task_00")
    with pytest.raises(ConfigError, match="style"):
        SessionLoader(one=store, eid=WHOLE).load_trials(style="wide")
    with pytest.raises(ConfigError, match="paw states"):
        SessionLoader(one=store, eid=WHOLE).load_pawstates()
    with pytest.raises(UnknownSession, match="camera 'belly'"):
        SessionLoader(one=store, eid=WHOLE).load_motion_energy(["belly"])


@pytest.mark.parametrize("view", VIEWS)
def test_every_refused_name_says_what_to_do_instead_and_is_absent(view: type) -> None:
    names = [name for name in dir(view) if isinstance(inspect.getattr_static(view, name), Refused)]
    assert names
    for name in names:
        assert not hasattr(view, name)
        with pytest.raises(ConfigError, match=rf"\.{name}: .+\. .+") as refused:
            getattr(view, name)
        assert refused.value.action
    assert view.__name__ in pydoc.render_doc(view), "help() of it works"


@pytest.mark.parametrize("view", [EcephysSession, BehaviorEcephysSession])
def test_a_session_of_another_source_is_no_allen_session(store: OpenedStore, view: type) -> None:
    with pytest.raises(ConfigError, match="it is no session of the Allen Institute"):
        view(store, WHOLE, source="ibl")
    with pytest.raises(UnknownSession, match="source allen_v"):
        view(store, 729067706)


def test_units_of_another_source_are_no_allen_units(store: OpenedStore) -> None:
    from nh_platform.reading.upstream_views.allen.tables import UnitFilter

    with pytest.raises(ConfigError, match="not of an Allen session"):
        UnitFilter().kept(store.session("ibl", WHOLE).units)


def test_trials_of_another_task_or_without_blocks_are_refused() -> None:
    with pytest.raises(SchemaError, match="goCue_times"):
        trials_as_one(pd.DataFrame({"start_time": [1.0]}), ())
    trials = pd.DataFrame({"choice": [1.0], "feedbackType": 1.0, "contrastLeft": 1.0, "contrastRight": np.nan})
    with pytest.raises(BadUpstreamData, match="trial 0"):
        trials_tidied(trials.assign(probabilityLeft=np.nan))


@pytest.mark.parametrize("library", ["pynapple", "spikeinterface"])
def test_a_library_that_is_not_installed_is_named_with_its_install_line(store: OpenedStore, library: str) -> None:
    if importlib.util.find_spec(library):
        pytest.skip(f"{library} is installed here")
    with pytest.raises(ConfigError, match=rf"library {library}: .*uv pip install {library}"):
        getattr(store.session("ibl", WHOLE), f"to_{library}")()


def test_clusters_of_an_unknown_channel_have_no_position() -> None:
    clusters = Bunch(channels=np.array([1, -1]), metrics=pd.DataFrame({"label": [1.0, 0.5]}))
    channels = {"x": np.array([0.1, 0.2]), "acronym": np.array(["CA1", "DG"], dtype=object), "rawInd": np.array([4, 5])}
    merged = SpikeSortingLoader.merge_clusters({}, clusters, channels)
    np.testing.assert_array_equal(merged.x, [0.2, np.nan])
    assert merged.acronym.tolist() == ["DG", None]
    assert merged.rawInd.tolist() == [5, 0]
    assert merged.to_df().shape == (2, 5)
    assert merged.copy() == merged
    assert not hasattr(merged, "templates")
