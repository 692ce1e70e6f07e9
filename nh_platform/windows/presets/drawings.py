"""The drawing of a window as text: its stretch of time, its named parts and moments, and the event it is aligned to.

Add here what else of a preset can be seen on a line of time. The page around it is `preset_page`.
"""

from __future__ import annotations

from collections.abc import Callable

from nh_platform.windows.presets.preset_model import AlignedPreset, Preset

WIDTH = 56
"""Columns of the line of time; names stand behind it, and a line fits 80."""


def drawing(preset: Preset) -> str:
    """Return a window of a preset on a line of time, at most 80 columns wide.

    A bracket is included in the stretch, a parenthesis is not.

    Examples
    --------
    >>> from nh_platform.windows.presets.preset_files import load_preset
    >>> print(drawing(load_preset("stim-halves-500ms")))
    -0.5 s                      0 s                     0.5 s
    [=======================================================)  window
    [---------------------------)                              input
                                [---------------------------)  target
                                ^                              stimulus onset
    """
    first, stop = preset.limits_us
    if stop is None:
        return _until_the_end(preset)
    low, high = min(first, 0), max(stop, 0)

    def column(time_us: int) -> int:
        return round((time_us - low) / (high - low) * WIDTH)

    lines = [_scale(sorted({low, first, 0, stop, high}), column), _stretch(column(first), column(stop), "=", "window")]
    lines += [
        _stretch(column(part.start_us), column(part.stop_us), "-", name)
        for name, part in sorted(preset.parts.items(), key=lambda one: (one[1].start_us, one[1].stop_us))
    ]
    if isinstance(preset, AlignedPreset):
        lines.append(_moment(column(0), preset.event))
        if preset.every_us is not None:
            lines.append(f"the next one {seconds(preset.every_us)} later, up to the end of the event")
    else:
        lines.append(f"the next one {seconds(preset.step)} later")
    lines += [_moment(column(time), name) for name, time in preset.marks.items()]
    return "\n".join(lines)


def seconds(time_us: int) -> str:
    """Return a time in the unit in which it is read best.

    Examples
    --------
    >>> seconds(-400_000), seconds(20_000), seconds(1_000_000)
    ('-0.4 s', '20 ms', '1 s')
    """
    return f"{time_us / 1000:g} ms" if 0 < abs(time_us) < 100_000 else f"{time_us / 1_000_000:g} s"


def _until_the_end(preset: Preset) -> str:
    name = preset.event if isinstance(preset, AlignedPreset) else ""
    return "\n".join(
        [
            f"{seconds(preset.limits_us[0])}".ljust(WIDTH - 16) + "end of the longest",
            _stretch(0, WIDTH, "=", "window"),
            _moment(0, name),
        ]
    )


def _scale(times: list[int], column: Callable[[int], int]) -> str:
    """Return the times above their columns; one that has no room is left out, the outer ones first."""
    line = [" "] * (WIDTH + 3)
    taken = [False] * len(line)
    ordered = [times[0], times[-1], *times[1:-1]]
    for time in ordered:
        text = seconds(time)
        at = column(time)
        start = min(max(at - (len(text) - 1 if at > WIDTH // 2 else 0), 0), len(line) - len(text))
        around = range(max(start - 1, 0), min(start + len(text) + 1, len(line)))
        if any(taken[one] for one in around):
            continue
        line[start : start + len(text)] = text
        for one in range(start, start + len(text)):
            taken[one] = True
    return "".join(line).rstrip()


def _stretch(first: int, stop: int, fill: str, name: str) -> str:
    drawn = " " * first + "[" + fill * max(stop - first - 1, 0) + ")"
    return f"{drawn.ljust(WIDTH + 2)} {name}"


def _moment(at: int, name: str) -> str:
    return f"{(' ' * at + '^').ljust(WIDTH + 2)} {name}"
