"""`python -m common`: the `hubbub` command where its script is not installed."""

from common.cli import main

if __name__ == "__main__":
    main()
