"""The questions of the original report, asked again: `paribus reproduce`."""
