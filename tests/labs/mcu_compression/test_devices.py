"""What fits into which device."""

import pytest

from labs.mcu_compression import devices

UNO, BLUE_PILL, NUCLEO = range(3)


def fits(weights, activations, bytes_each=1):
    return [row["fits"] for row in devices.fit(weights, activations, bytes_each=bytes_each)]


def test_the_network_of_the_lab():
    assert fits(22_604, 16_000) == ["no: RAM", "yes", "yes"]
    assert fits(22_604, 16_000, bytes_each=4) == ["no: flash and RAM", "no: flash and RAM", "yes"]


@pytest.mark.parametrize("place", [UNO, BLUE_PILL, NUCLEO])
def test_the_last_byte_fits_and_one_more_does_not(place):
    device = devices.DEVICES[place]
    assert fits(device.flash_bytes, device.ram_bytes)[place] == "yes"
    assert fits(device.flash_bytes + 1, device.ram_bytes)[place] == "no: flash"
    assert fits(device.flash_bytes, device.ram_bytes + 1)[place] == "no: RAM"


def test_shares_are_of_the_memory_named():
    assert devices.fit(16 * 1024, 1024, bytes_each=1)[UNO] == {
        "device": "ATmega328P (Arduino Uno)",
        "flash": "50% of 32,768 B",
        "RAM": "50% of 2,048 B",
        "fits": "yes",
    }
