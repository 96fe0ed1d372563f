"""`python -m tswizard`."""

from tswizard.cli.main import main

if __name__ == "__main__":
    main()
