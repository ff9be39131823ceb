"""Start the `compliance` command; an installation without its extra is told in one sentence."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the console script."""
    try:
        from compliance.main import cli
    except ModuleNotFoundError as error:
        sys.exit(
            f"缺少程序库 {error.name}，请这样安装：pip install --no-index --find-links wheelhouse 'liangding-gateway[compliance]'"
        )
    cli()


if __name__ == "__main__":
    main()
