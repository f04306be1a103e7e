"""How fast Paribus is, against other loops and against what the machine allows. Each module runs by `python -m`."""
