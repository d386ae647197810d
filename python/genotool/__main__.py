"""``python -m genotool``."""

from genotool.cli.main import main

main()
