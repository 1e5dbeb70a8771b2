"""``python -m votewise`` is the command ``votewise``."""

from votewise.cli import main

if __name__ == "__main__":
    main()
