"""The HParams tab of TensorBoard: what is written is read back from the event files."""

import struct

import pytest
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData

from tests.sweep.made import record, result


def events(path):
    """Of a file: length, its CRC, the event, its CRC."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        (length,) = struct.unpack("<Q", data[at : at + 8])
        yield Event.FromString(data[at + 12 : at + 12 + length])
        at += 16 + length


def run_of(folder):
    """The settings and the metrics of a run."""
    settings, metrics = {}, {}
    for path in folder.glob("*tfevents*"):
        for event in events(path):
            for value in event.summary.value:
                told = HParamsPluginData.FromString(value.metadata.plugin_data.content)
                for name, x in told.session_start_info.hparams.items():
                    settings[name] = getattr(x, x.WhichOneof("kind"))
                if not value.metadata.plugin_data.plugin_name:
                    metrics[value.tag] = value.simple_value
    return settings, metrics


def test_a_run_for_each_configuration(tmp_path):
    made = [
        *(record("adam", {"learning_rate": 0.1, "width": 16}, s, 1.0 + s) for s in (0, 1)),
        record("adam", {"learning_rate": 1.0, "width": 16}, 0, 9.0),
        record("adam", {"learning_rate": 1.0, "width": 16}, 1, 9.0, diverged_at=3),
        record("sgd", {"learning_rate": 0.5, "nesterov": True, "form": "velocity"}, 0, 3.0),
        record("sgd", {"learning_rate": 0.5, "nesterov": None, "form": "velocity"}, 0, 4.0),
    ]
    result(made).tensorboard(tmp_path)
    found = {str(f.relative_to(tmp_path)): run_of(f) for f in sorted(tmp_path.glob("*/*"))}
    assert [*found] == ["adam/00000", "adam/00001", "sgd/00000", "sgd/00001"]
    settings, metrics = found["adam/00000"]
    assert settings == {"optimizer": "adam", "learning_rate": 0.1, "width": 16}
    assert metrics == pytest.approx(
        {"mean/validation_loss": 1.5, "mean/test_loss": 1.5, "diverged_seeds": 0}
    )
    assert found["adam/00001"][1] == {"diverged_seeds": 1}  # a mean of what is left is none
    expected = {"optimizer": "sgd", "learning_rate": 0.5, "nesterov": True, "form": "velocity"}
    assert found["sgd/00000"][0] == expected
    assert found["sgd/00001"][1]["mean/validation_loss"] == 4
