"""`python -m dovetail_flavor_template`, where dovetail is not installed."""

from dovetail_flavor_template.command import main

if __name__ == "__main__":
    main()
