"""Install the libraries Paribus is compared with into an environment of their own: they are not dependencies.

    python -m benchmarks.peers --at .venv/peers

The versions of what does the work (torch, torchvision, timm, pillow) are those of the environment this runs in, so that
a difference in speed is the libraries' own. Wheels only: nothing is built.
"""

import argparse
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

PEERS = ("fastai", "lightning")
SHARED = ("torch", "torchvision", "timm", "pillow")
DEFAULT = Path(".venv/peers")
READY = "installed"  # a file, written last


def constraints() -> str:
    """pip constraints: the versions of what is shared, without a local part such as `+cpu`, which no index lists."""
    return "".join(f"{name}=={version(name).partition('+')[0]}\n" for name in SHARED)


def python_of(folder: Path) -> Path | None:
    """The interpreter of an environment that is ready, or None."""
    return folder.absolute() / "bin" / "python" if (folder / READY).exists() else None


def install(folder: Path) -> Path:
    """Make the environment, or complete it; its interpreter. Raises CalledProcessError if pip fails."""
    python = folder.absolute() / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(constraints())
        file.flush()
        quiet = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*quiet, "--only-binary", ":all:", "--constraint", file.name, *SHARED, *PEERS], check=True)
    (folder / READY).write_text(constraints())
    return python


def main() -> None:
    """Install and say what is there."""
    parser = argparse.ArgumentParser(description="Install fastai and Lightning for the benchmarks.")
    parser.add_argument("--at", type=Path, default=DEFAULT, metavar="FOLDER")
    python = install(parser.parse_args().at)
    names = ", ".join(repr(name) for name in (*SHARED, *PEERS))
    told = f"from importlib.metadata import version\nfor n in ({names}): print(n, version(n))"
    subprocess.run([str(python), "-c", told], check=True)


if __name__ == "__main__":
    main()
