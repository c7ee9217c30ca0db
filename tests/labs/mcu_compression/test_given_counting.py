"""The given functions of 1.1 to 1.3: they pass every check, and agree with the library."""

from pathlib import Path

import numpy as np
import pytest
import torch

from grading.course import find_root, read_course
from labs.engine.catalog import check_files, lab_of_exercise
from labs.engine.checks import load_checks, run_cases
from labs.mcu_compression import given
from labs.shared import features, networks


@pytest.mark.parametrize("exercise", ["1.1", "1.2", "1.3"])
def test_given_functions_pass_every_check(exercise):
    lab = lab_of_exercise(exercise)
    hidden = read_course(find_root(Path(__file__))).hidden(lab)
    cases = [
        case
        for path in (*check_files(lab.folder, "checks"), *hidden)
        for case in load_checks(path).get(exercise, ())
    ]
    assert len(cases) > len(load_checks(lab.module_name("checks"))[exercise])
    outcome = run_cases(cases, vars(given))
    assert [case.message for case in outcome.cases if not case.passed] == []


def test_the_three_steps_are_the_front_end_of_the_lab():
    clip = np.random.default_rng(0).normal(size=16_000).astype(np.float32)
    taper = np.hanning(features.WINDOW_SAMPLES + 1)[:-1]  # periodic, as torch's
    frames = given.frame(clip, features.WINDOW_SAMPLES, features.HOP_SAMPLES)
    mfcc = given.mfcc(given.log_mel(frames, taper, features.mel_matrix().numpy()), 10)
    library = features.Mfcc()(torch.from_numpy(clip)[None])[0].numpy()
    # float32 keeps 2^-24 of a number; sums over 1,024 samples and 40 bands, generously 1,000 steps.
    assert np.abs(mfcc - library).max() < 1000 * 2**-24 * np.abs(library).max()


def test_the_network_of_the_lab_row_by_row():
    rows = given.count_layers(networks.ds_cnn(), torch.zeros(1, *networks.KEYWORD_SHAPE))
    assert rows[0] == {
        "name": "stem.1",
        "params": 2_624,
        "macs": 320_000,
        "input_elements": 696,
        "output_elements": 8_000,
    }
    assert sum(row["params"] for row in rows) == 22_604
    assert sum(row["macs"] for row in rows) == 2_656_768
    assert max(row["input_elements"] + row["output_elements"] for row in rows) == 16_000
