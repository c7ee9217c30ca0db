"""The recorder in a kernel, without a browser; tests/test_browser.py records with one."""

import base64
import io

import numpy as np
import pytest
import soundfile
import torch

from labs.mcu_compression import recorder
from labs.mcu_compression.recorder import PRIVATE, Recorder
from labs.mcu_compression.sounds import Sound


@pytest.fixture
def content():
    file = io.BytesIO()
    wave = np.sin(np.arange(48_000) / 20)
    soundfile.write(file, wave, 48_000, format="WAV", subtype="PCM_16")
    return file.getvalue()


@pytest.fixture
def heard():
    return []


@pytest.fixture
def machine(heard):
    return Recorder(heard.append, Sound(torch.zeros(16_000), "a clip"))


def test_a_recording_is_taken_and_the_field_is_emptied(machine, heard, content):
    machine._field.value = base64.b64encode(content).decode()
    assert machine._field.value == ""
    assert [sound.name for sound in heard] == ["your recording"]
    assert machine._said.value.endswith(PRIVATE)
    assert soundfile.info(io.BytesIO(machine._player.value)).samplerate == 16_000


def test_an_uploaded_file_is_taken_without_its_name(machine, heard, content):
    file = {"name": "Anna.wav", "type": "audio/wav", "size": len(content), "last_modified": None}
    machine._uploaded({"new": ({**file, "content": memoryview(content)},)})
    assert [sound.name for sound in heard] == ["your file"]
    assert "Anna" not in machine._said.value


@pytest.mark.parametrize(
    ("text", "reason"), [("no base64!", "arrived damaged"), ("A" * 20_000_000, "too long")]
)
def test_a_damaged_recording_is_said_and_not_taken(machine, heard, text, reason):
    machine._field.value = text
    assert reason in machine._said.value
    assert heard == []
    assert machine._field.value == ""


def test_the_page_sends_nothing_anywhere(machine):
    """Neither an address nor a way to reach one is in the script."""
    assert machine._name in machine.page
    assert "BOX" not in machine.page
    for way in ("http:", "https:", "fetch(", "XMLHttpRequest", "WebSocket", "sendBeacon", "src="):
        assert way not in machine.page
    assert f"Record {recorder.SECONDS} seconds" in machine.page
