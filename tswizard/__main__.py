"""`python -m tswizard`."""

from tswizard.cli import main

if __name__ == "__main__":
    main()
