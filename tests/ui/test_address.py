"""One address for all that is shown: no two settings share a key unless they are one."""

from explorer.experiment import KINDS, Experiment
from explorer.training import Training
from explorer.ui.state import PARTS, kinds


def test_no_two_settings_share_a_key():
    meant = {}
    for part in (Experiment, Training, *PARTS.values()):
        for name, kind in kinds(part).items():
            assert meant.setdefault(kind.key, (name, kind)) == (name, kind), f"{part.__name__} and {kind.key}"
    assert len(meant) > len(KINDS)


def test_no_key_is_one_that_streamlit_takes():
    """Streamlit refuses embed parameters in `st.query_params`."""
    keys = {kind.key for part in (Experiment, Training, *PARTS.values()) for kind in kinds(part).values()}
    assert not keys & {"embed", "embed_options"}
