"""`python -m nh_platform.cli`: the `nh` command where its script is not on the path."""

from nh_platform.cli.app import app

if __name__ == "__main__":
    app(prog_name="nh")
