"""The page of the shipped window presets: words, exact fields and a drawing of each.

Contains the writer of `docs/presets.md`. Everything is generated from the presets and from what sources state, so that
text and windows cannot drift apart. The drawing is `drawings`; what a preset can state is in docs/configuration.md.
"""

from __future__ import annotations

from nh_platform.qc.rules.markdown import listed, markdown_table
from nh_platform.sources.events import EventFilter
from nh_platform.sources.registry import sources
from nh_platform.windows.presets.drawings import drawing, seconds
from nh_platform.windows.presets.preset_files import named_preset, preset_ids
from nh_platform.windows.presets.preset_model import AlignedPreset, Preset, PresetFamily

_HEAD = """# Window presets

<!-- Written by `nh qc docs` from the presets; edit the YAML files, not this page. -->

A preset says which stretches of a session become windows, and in which bins. `continuous-1s` and `stim-halves-500ms`
are made of every session by default; any other is named in `sources.yaml`, as is one of your own
([configuration](configuration.md#window-presets-of-your-own)):

```yaml
ibl:
  presets: [continuous-1s, bwm-choice, bwb-2026]
```

`nh materialize ibl SESSION` makes the windows, and `session.windows("bwm-choice")` reads them: `.index` has a row for
each, `.counts` the spikes of every unit in its bins, `.part("input")` the bins of a named part and
`.signal("wheel_speed")` behaviour in the same bins. A window is a row of the index; its counts are made from the spikes
when they are read.

`.counts_as(form)`, or `.counts_as(form, window_ids)` of some windows, gives the counts in less room:

| form | what it is |
| --- | --- |
| `counts` | windows × units × bins, uint8, 255 at most; as `.counts_of(window_ids)` |
| `binary` | the same, 1 where the unit fired |
| `packed` | these as bits: `.bits`, bin `k` is bit `k % 8` of byte `k // 8`; `.unpack()` gives `binary` again |
| `csr` | `scipy.sparse.csr_array`, a window a row, column `unit * n_bins + bin`; as scikit-learn takes it |
| `smaller` | `csr` where it takes fewer bytes than `counts`, else `counts` |

Bins are half-open: a spike at the edge of two is in the later one, and every spike is in exactly one. Edges are whole
microseconds from the event, or on the session clock: 0.25 s are 12 and a half bins of 20 ms and make 13, never 14. A
window that reaches beyond the recording, or overlaps an invalid interval, is marked in the index (`valid`), and an
interval that is invalid for one probe sets the bins of its units to 0 and lists them (`masked`).

Where the session has stimulus presentations (Visual Coding, Visual Behavior), every window says what was on the screen
in it. `.presentations(window_id)` is a table: one row per presentation that the window overlaps, with its id, its time
within the window, its share of it, and whether the window is aligned to it, and one row per stretch of grey.
`.shown` has the same of all windows as arrays: `.ids` with `.offsets` by window, `.seconds`, `.share`, `.aligned`,
`.grey_s`. Grey is the time between two presentations of the table, of whatever stimulus; it is not taken from how long
a stimulus ought to last, and a pause between two blocks is a gap as well. Before the first and after the last
presentation, and behind one without an end, the table does not say what was shown (`.unstated_s`). Rows that say that
nothing was shown (`spontaneous`, an omission, the frame -1 of natural scenes) are presentations with an id; frames of a
movie are one each.

In a drawing `[` is part of the stretch and `)` is not; `^` is a moment.
"""


def preset_page() -> str:
    """Return the Markdown page of all shipped presets."""
    ids = preset_ids()
    rows = [(f"[`{one}`](#{one})", named_preset(one).description.split(". ")[0].rstrip(".")) for one in ids]
    parts = [_HEAD.strip(), markdown_table(("preset", "windows"), rows)]
    return "\n\n".join([*parts, *(preset_section(named_preset(one)) for one in ids)]) + "\n"


def preset_section(preset: Preset | PresetFamily) -> str:
    """Return the section of a preset: what it is, its fields, its drawing, why it is so."""
    parts = [f"## {preset.id}", preset.description.strip()]
    if isinstance(preset, PresetFamily):
        parts.append("Its presets: " + ", ".join(f"[`{one}`](#{one})" for one in preset.members) + ".")
    else:
        parts += [markdown_table(("", ""), preset_facts(preset)), f"```text\n{drawing(preset)}\n```"]
    parts.append(preset.why.strip())
    if preset.references:
        parts.append("\n".join(f"- {one}" for one in preset.references))
    if preset.aliases:
        parts.append(f"Called {listed(f'`{one}`' for one in preset.aliases)} before; that is still read.")
    return "\n\n".join(parts)


def preset_facts(preset: Preset) -> list[tuple[str, str]]:
    """Return what a preset states, in words, by the name of each fact."""
    first, stop = preset.limits_us
    end = "the end of the event" if stop is None else seconds(stop)
    of_what = f"from {preset.event}" if isinstance(preset, AlignedPreset) else "long"
    window = f"{seconds(first)} to {end} {of_what}" if isinstance(preset, AlignedPreset) else f"{end} {of_what}"
    facts = [("version", str(preset.version)), ("window", window), ("bins", _bins(preset))]
    if isinstance(preset, AlignedPreset):
        facts += _of_events(preset)
    else:
        facts.append(("next window", f"{seconds(preset.step)} later"))
    for one in preset.signals:
        gap = "" if one.max_gap_us is None else f", gaps of up to {seconds(one.max_gap_us)}"
        place = "" if one.how == "count" else f" at the {one.at} of a bin"
        facts.append((f"signal `{one.signal}`", f"{one.how}{place}{gap}"))
    if preset.minimum_rate_hz is not None:
        facts.append(("units", f"of more than {preset.minimum_rate_hz:g} Hz in the windows"))
    return facts


def _bins(preset: Preset) -> str:
    if preset.bin_us is None:
        return "none; the spikes themselves"
    number = f"{preset.n_bins} of " if preset.n_bins else "of "
    return f"{number}{seconds(preset.bin_us)}{', 0 or 1' if preset.binarise else ''}"


def _of_events(preset: AlignedPreset) -> list[tuple[str, str]]:
    where = {entry.name: preset.times(entry.events) for entry in sources().values()}
    usable = {name: times for name, times in where.items() if times and not (preset.mask and times.table != "trials")}
    facts = [("event", listed(f"`{times.label}` of `{name}`" for name, times in usable.items()))]
    facts += [("only", _condition(one)) for one in preset.filters]
    if preset.mask is not None:
        of_rulebook = f" (rulebook `{preset.trial_mask}`)" if isinstance(preset.trial_mask, str) else ""
        facts.append(("trials", preset.mask.why.strip().rstrip(".") + of_rulebook))
    if preset.stop_by is not None:
        facts.append(("length", f"that of the longest event of its `{preset.stop_by}`"))
    if preset.every_us is not None:
        facts.append(("next window", f"{seconds(preset.every_us)} later, until `{preset.stop_column}`"))
    return facts


def _condition(condition: EventFilter) -> str:
    what = f"`{condition.column}`" + (f" - `{condition.minus}`" if condition.minus else "")
    said = []
    if condition.include is not None:
        said.append(f"is {listed(map(str, condition.include), 'or')}")
    if condition.exclude is not None:
        said.append(f"is not {listed(map(str, condition.exclude), 'or')}")
    if condition.minimum is not None:
        said.append(f"is at least {condition.minimum:g}")
    if condition.maximum is not None:
        said.append(f"is at most {condition.maximum:g}")
    return f"{what} {' and '.join(said)}"
