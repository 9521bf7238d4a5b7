"""``python -m agent`` is ``segue``."""

from agent.cli import main

if __name__ == "__main__":
    main()
