"""What an ELF file of a microcontroller holds: sections, memory contents, functions, variables.

It reads files that the compilers of `toolchain` wrote, with pyelftools (extra ``mcu``).
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labs.engine.errors import ExtraMissingError
from labs.engine.extras import install_command

ALLOCATED = 0x2  # flag of a section that takes up memory on the device


@dataclass(frozen=True, eq=False)
class Image:
    """A program as it lies in memory.

    Parameters
    ----------
    sections
        Bytes of each section that takes up memory on the device.
    segments
        Address -> content that is in memory when the program starts.
    functions, variables
        Address and size in bytes of each, by name.
    """

    sections: Mapping[str, int]
    segments: Mapping[int, bytes] = field(repr=False)
    functions: Mapping[str, tuple[int, int]] = field(repr=False)
    variables: Mapping[str, tuple[int, int]] = field(repr=False)

    @property
    def code_bytes(self) -> int:
        """Bytes of instructions, and of constants between them."""
        return self.sections.get(".text", 0)

    @property
    def flash_bytes(self) -> int:
        """Bytes in flash: code, constants, and the first values of variables."""
        return sum(self.sections.get(name, 0) for name in (".text", ".rodata", ".data"))

    @property
    def ram_bytes(self) -> int:
        """Bytes of variables in RAM; the stack comes on top."""
        return self.sections.get(".data", 0) + self.sections.get(".bss", 0)

    def content(self, address: int, size: int) -> bytes:
        """Return what is at an address when the program starts; shorter where a segment ends."""
        for start, content in self.segments.items():
            if start <= address < start + len(content):
                return content[address - start : address - start + size]
        return b""

    def function_at(self, address: int) -> str | None:
        """Return the name of the function that an address lies in, None outside of all."""
        inside = [
            name
            for name, (start, size) in self.functions.items()
            if start <= address < start + size
        ]
        # The compiler's helpers have a second name with their module in it.
        return min(inside, key=lambda name: ("." in name, name), default=None)


def read_image(elf: bytes) -> Image:
    """Return what is in an ELF file.

    Raises
    ------
    ExtraMissingError
        If pyelftools is not installed.
    """
    try:
        from elftools.elf.elffile import ELFFile  # noqa: PLC0415 - an extra
    except ImportError as err:
        raise ExtraMissingError(
            f"no reader of programs: pyelftools is not installed; run: {install_command('mcu')}"
        ) from err
    file = ELFFile(io.BytesIO(elf))
    sections = {
        each.name: int(each["sh_size"])
        for each in file.iter_sections()
        if each["sh_flags"] & ALLOCATED and each["sh_size"]
    }
    segments = {
        int(each["p_vaddr"]): bytes(each.data())
        for each in file.iter_segments()
        if each["p_type"] == "PT_LOAD" and each["p_filesz"]
    }
    functions: dict[str, tuple[int, int]] = {}
    variables: dict[str, tuple[int, int]] = {}
    table: Any = file.get_section_by_name(".symtab")
    for symbol in table.iter_symbols() if table else ():
        kind, place = symbol["st_info"]["type"], (int(symbol["st_value"]), int(symbol["st_size"]))
        if kind == "STT_FUNC":
            functions[symbol.name] = (place[0] & ~1, place[1])  # the low bit says Thumb
        elif kind == "STT_OBJECT":
            variables[symbol.name] = place
    return Image(sections, segments, functions, variables)
