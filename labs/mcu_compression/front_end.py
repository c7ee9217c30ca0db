"""What the way from sound to features costs, and an explorer that turns its knobs.

- ``cost``              numbers, multiplications and memory for a window, a hop and coefficients
- ``explore_features``  the picture and the cost of a clip, with sliders in a live notebook

Multiplications are modelled: n log2(n) for a Fourier transform of n real samples, and no credit
for what a clever library saves. Nothing is timed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from course_utils import counting, plots, widgets
from course_utils.records import Result
from course_utils.units import MS_PER_S
from labs.mcu_compression import speech_pictures
from labs.shared.features import LOG_FLOOR, SAMPLE_RATE_HZ, dct_matrix, frames, mel_matrix
from labs.shared.networks import ds_cnn

BANDS = 40
WINDOWS_MS = (20, 30, 40, 64)
HOPS_MS = (10, 20, 40)
COEFFICIENTS = (5, 10, 20, 40)


@dataclass(frozen=True)
class Cost:
    """What one second takes with some window, hop and number of coefficients.

    Parameters
    ----------
    frames, coefficients
        Shape of the features.
    front_end_multiplications
        From samples to features, modelled.
    network_macs, network_peak_elements
        Of DS-CNN at width 1 on features of that shape, counted.
    """

    frames: int
    coefficients: int
    front_end_multiplications: int
    network_macs: int
    network_peak_elements: int

    @property
    def numbers(self) -> int:
        """Numbers that the network reads."""
        return self.frames * self.coefficients

    @property
    def front_end_share(self) -> Result:
        """Multiplications of the front end for each MAC of the network."""
        share = self.front_end_multiplications / self.network_macs
        return Result(share, share, share, n=1, kind="modelled")


@cache
def cost(window_ms: int = 40, hop_ms: int = 20, *, coefficients: int = 10) -> Cost:
    """Return what one second costs.

    Parameters
    ----------
    window_ms, hop_ms
        Length of a frame and distance between two [ms], at most 1000.
    coefficients
        MFCCs a frame, 2 to 40.

    Examples
    --------
    >>> standard = cost()
    >>> standard.numbers, standard.network_macs, standard.network_peak_elements
    (490, 2656768, 16000)
    """
    window, hop = (ms * SAMPLE_RATE_HZ // int(MS_PER_S) for ms in (window_ms, hop_ms))
    count = (SAMPLE_RATE_HZ - window) // hop + 1
    size = _transform_samples(window)
    bins = size // 2 + 1
    used = int((mel_matrix(BANDS, bins=bins) > 0).sum())
    per_frame = window + size * math.log2(size) + 2 * bins + used + BANDS * coefficients
    counts = counting.count(ds_cnn(), torch.zeros(1, 1, count, coefficients))
    return Cost(
        frames=count,
        coefficients=coefficients,
        front_end_multiplications=round(count * per_frame),
        network_macs=counts.macs,
        network_peak_elements=counts.peak_activation_elements,
    )


def cost_rows(settings: Sequence[tuple[int, int, int]]) -> list[dict[str, Any]]:
    """Return costs as rows of a table.

    Parameters
    ----------
    settings
        Window [ms], hop [ms] and coefficients of each row.
    """
    rows = []
    for window_ms, hop_ms, coefficients in settings:
        found = cost(window_ms, hop_ms, coefficients=coefficients)
        rows.append(
            {
                "window [ms]": window_ms,
                "hop [ms]": hop_ms,
                "features": f"{found.frames} x {coefficients}",
                "numbers": found.numbers,
                "front end [multiplications]": found.front_end_multiplications,
                "DS-CNN [MAC]": found.network_macs,
                "most activations": found.network_peak_elements,
            }
        )
    return rows


@dataclass(frozen=True)
class FeatureExplorer:
    """A clip with the knobs of its features, and the name of its data; see `explore_features`."""

    samples: NDArray[np.float32] = field(repr=False)
    data: str
    window_ms: int = 40
    hop_ms: int = 20
    coefficients: int = 10

    def log_mel(self) -> torch.Tensor:
        """Return the log-mel bands, (frames, 40)."""
        window, hop = (ms * SAMPLE_RATE_HZ // int(MS_PER_S) for ms in (self.window_ms, self.hop_ms))
        size = _transform_samples(window)
        cut = frames(torch.from_numpy(self.samples)[None], window=window, hop=hop)[0]
        taper = torch.hann_window(window, periodic=True)
        spectrum = torch.fft.rfft(cut * taper, n=size).abs()
        mel = mel_matrix(BANDS, bins=size // 2 + 1).float()
        return torch.log(spectrum @ mel + LOG_FLOOR)

    def picture(self) -> plots.Picture:
        """Return bands and coefficients side by side; the title says what they cost."""
        bands = self.log_mel()
        mfcc = bands @ dct_matrix(BANDS, coefficients=self.coefficients).float()
        # Each coefficient by its own spread: the first, loudness, would outshine all others.
        mfcc = (mfcc - mfcc.mean(0)) / mfcc.std(0).clamp_min(1e-6)
        found = cost(self.window_ms, self.hop_ms, coefficients=self.coefficients)
        shape = f"{found.frames} x {self.coefficients} = {found.numbers:,} numbers"
        work = (
            f"front end {found.front_end_multiplications / 1e6:.2f} M multiplications, "
            f"DS-CNN {found.network_macs / 1e6:.2f} M MACs"
        )
        end_s = ((found.frames - 1) * self.hop_ms + self.window_ms) / MS_PER_S
        panels = [
            ("log-mel bands", "band [1]", bands.numpy()),
            ("MFCCs, each by its own spread", "coefficient [1]", mfcc.numpy()),
        ]
        figure = speech_pictures.stages(
            panels, title=f"{shape}: {work}", data=self.data, end_s=end_s
        )
        knobs = f"Window {self.window_ms} ms, hop {self.hop_ms} ms"
        alt = f"{knobs}: {shape}, {work}. Log-mel bands and MFCCs against time."
        return plots.show(figure, alt=alt)

    def _ipython_display_(self) -> None:
        from IPython import display  # noqa: PLC0415 - called in kernels, which have it

        shown = display.display(self.picture(), display_id=True)  # type: ignore[no-untyped-call]
        if not widgets.is_interactive():
            return
        from ipywidgets import SelectionSlider, VBox  # noqa: PLC0415 - only for a front end

        knobs = {"window_ms": WINDOWS_MS, "hop_ms": HOPS_MS, "coefficients": COEFFICIENTS}
        look = {"continuous_update": False, "style": {"description_width": "initial"}}
        sliders = {
            name: SelectionSlider(
                description=name, options=options, value=getattr(self, name), **look
            )
            for name, options in knobs.items()
        }

        def redraw(_: object) -> None:
            chosen = {name: slider.value for name, slider in sliders.items()}
            shown.update(replace(self, **chosen).picture())

        for slider in sliders.values():
            slider.observe(redraw, names="value")
        display.display(VBox(list(sliders.values())))  # type: ignore[no-untyped-call]


def explore_features(
    samples: NDArray[np.float32],
    *,
    data: str,
    window_ms: int = 40,
    hop_ms: int = 20,
    coefficients: int = 10,
) -> FeatureExplorer:
    """Return an explorer of a clip's features; as the last expression of a cell it shows itself.

    Without a live front end the picture alone stays.

    Parameters
    ----------
    samples
        (16000,), float32, one second at 16 kHz.
    data
        Name of the data, for the foot of the picture.
    window_ms, hop_ms, coefficients
        Where the sliders stand at first, one of `WINDOWS_MS`, `HOPS_MS` and `COEFFICIENTS`.

    Raises
    ------
    ValueError
        If a knob has no such position, naming those that it has.

    Examples
    --------
    >>> explorer = explore_features(np.zeros(16_000, np.float32), data="silence", hop_ms=10)
    >>> explorer.log_mel().shape
    torch.Size([97, 40])
    """
    for name, value, options in (
        ("window_ms", window_ms, WINDOWS_MS),
        ("hop_ms", hop_ms, HOPS_MS),
        ("coefficients", coefficients, COEFFICIENTS),
    ):
        if value not in options:
            raise ValueError(f"{name} is {value}; give one of {', '.join(map(str, options))}")
    return FeatureExplorer(samples, data, window_ms, hop_ms, coefficients)


def _transform_samples(window: int) -> int:
    """Return the smallest power of two that holds a window."""
    return int(2 ** math.ceil(math.log2(window)))
