"""`python -m paribus.cli`, as the installed command."""

from paribus.cli import main

if __name__ == "__main__":
    main()
