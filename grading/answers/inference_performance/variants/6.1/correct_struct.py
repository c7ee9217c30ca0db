import struct


def ordered_code(number):
    bits = struct.unpack("<i", struct.pack("<f", abs(number)))[0]
    return bits if number >= 0 else -bits


def float32_threshold(threshold):
    near = struct.unpack("<f", struct.pack("<f", threshold))[0]
    if near <= threshold:
        return near
    code = ordered_code(near) - 1
    bits = code if code >= 0 else (-code) | 0x80000000
    return struct.unpack("<f", struct.pack("<I", bits))[0]
