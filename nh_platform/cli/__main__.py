"""`python -m nh_platform.cli`: the `nh` command where its script is not on the path."""

from nh_platform.cli.app import main

if __name__ == "__main__":
    main()
