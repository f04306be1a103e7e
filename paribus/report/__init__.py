"""From results to `report.html`, `report.json` and `tables/`."""

import json
from pathlib import Path

from paribus import durable, sealed
from paribus.report.document import document, pictures_of_masks
from paribus.report.page import Pictures, page
from paribus.report.tables import files
from paribus.results import Results

REPORT = "report.json"
__all__ = ["REPORT", "document", "page", "pictures_of_masks", "render"]


def render(results: Results, out: Path, pictures: Pictures | None = None, spreadsheet: bool = False) -> Path:
    """Write the report of `results` into the folder `out` and return the path of its page.

    pictures: image id, or the name of a view of it (`paribus.thumbnails.view`) -> PNG or JPEG bytes to show, or None
    for no picture; None shows image names only. spreadsheet: CSV files hold nothing that a spreadsheet would compute.
    Each file is whole or as it was. Raises MachineError if `out` cannot be written.
    """
    content = document(results)
    texts = {f"tables/{name}": text for name, text in files(content, spreadsheet).items()}
    texts[REPORT] = json.dumps(sealed.sealed(content, REPORT), indent=1, allow_nan=False) + "\n"
    texts["report.html"] = page(content, pictures)
    for name, text in texts.items():
        _write(out / name, text)
    return out / "report.html"


def _write(path: Path, text: str) -> None:
    # A file name that is not UTF-8 reaches us with its bytes as lone surrogates: a CSV gives the bytes back.
    errors = "surrogateescape" if path.suffix == ".csv" else "backslashreplace"
    durable.make_folder(path.parent)
    durable.write(path, text.encode("utf-8", errors))
