"""`python -m dovetail_conformance`, where only a flavor and the suite are installed."""

from dovetail_conformance.command import main

if __name__ == "__main__":
    main()
